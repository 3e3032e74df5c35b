"""What nobody works on any more is found and ended with a word; what somebody works on is left alone (S13)."""

import os
import signal
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, update

from api.workers.handlers import JOB_KINDS, MAKE_FILES
from domain import jobs
from domain.imports import actions as imports
from domain.imports.model import ImportKind
from domain.imports.tables import import_customers, uploads
from domain.imports.tables import imports as import_rows
from domain.jobs.tables import jobs as job_rows
from domain.kit import ids
from domain.kit.db import Database
from domain.kit.db.portable import database_later
from domain.kit.errors import DomainError
from domain.lists.build import BUILD
from domain.lists.tables import lists
from domain.operations import queries as operations
from domain.operations.actions import delete_expired_files
from domain.operations.files import FileDirectory
from domain.operations.model import Problem
from domain.operations.tables import operation_problems
from domain.orphans.actions import UPLOAD_SECONDS, EndedOrphans, delete_old_reports, end_orphans
from tests.domain.campaigns.stage import add_list
from tests.domain.imports.files import bring_in, claim, do, outcome, problems_of, send
from tests.factories import NOW
from tests.fakes import make_services

PIECE = b"external_id,name\na,Ann\n"
NOTHING = EndedOrphans(0, 0, 0)
BROKEN_OFF = [Problem(None, "The upload broke off before the whole file had come: send the file again")]
NO_JOB = [Problem(None, "Nobody works on it any more, for its job is gone: start it again")]


async def end(database: Database) -> EndedOrphans:
    return await end_orphans(make_services(database), JOB_KINDS)


async def count(database: Database, *tables: object) -> list[int]:
    async with database.read() as tx:
        return [await tx.scalar(select(func.count()).select_from(table)) for table in tables]  # type: ignore[arg-type]


async def age(database: Database, operation_id: UUID, seconds: float) -> None:
    """Have the last piece of an upload have come so many seconds ago."""
    async with database.write() as tx:
        is_import = import_rows.c.operation_id == operation_id
        await tx.execute(update(import_rows).where(is_import).values(received_at=database_later(-seconds, tx.dialect)))


def upload_half(url: str, store_id: int) -> None:
    """Send a piece of a file, and die."""
    import asyncio

    async def run() -> None:
        database = Database(url)
        async with database.write() as tx:
            operation = await imports.open_import(tx, store_id, ImportKind.CUSTOMERS, NOW)
            await imports.append(tx, store_id, operation.id, 1, PIECE)
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(run())


@pytest.mark.slow
async def test_an_upload_whose_process_was_killed_is_given_up(database: Database, store_id: int) -> None:
    process = get_context("spawn").Process(target=upload_half, args=(database.url, store_id))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert await count(database, uploads, import_rows) == [1, 1]
    # It may still be coming.
    assert await end(database) == NOTHING
    async with database.read() as tx:
        [operation] = await operations.open_of_all_stores(tx)
    assert operation.status == "QUEUED"
    await age(database, operation.id, UPLOAD_SECONDS + 1)
    assert await end(database) == EndedOrphans(1, 0, 0)
    ended = await outcome(database, operation)
    assert (ended.status, ended.finished_at) == ("FAILED", NOW)
    assert await problems_of(database, operation) == BROKEN_OFF
    assert await count(database, uploads, import_rows) == [0, 0]
    assert await end(database) == NOTHING


async def test_whoever_goes_on_with_an_upload_that_was_given_up_is_told(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        operation = await imports.open_import(tx, store_id, ImportKind.CUSTOMERS, NOW)
        await imports.append(tx, store_id, operation.id, 1, PIECE)
    await age(database, operation.id, UPLOAD_SECONDS + 1)
    await end(database)
    with pytest.raises(DomainError, match="took too long"):
        async with database.write() as tx:
            await imports.append(tx, store_id, operation.id, 2, PIECE)
    assert await count(database, uploads) == [0]


@pytest.mark.parametrize("claimed", [False, True])
async def test_an_import_that_waits_or_runs_is_left_alone(database: Database, store_id: int, *, claimed: bool) -> None:
    operation, job_id = await send(database, store_id, ImportKind.CUSTOMERS, PIECE)
    await age(database, operation.id, 86_400)
    if claimed:
        # Whatever became of its worker: the lease's end brings another.
        await claim(database, store_id, job_id, lease=-1)
    assert await end(database) == NOTHING
    await do(database, await claim(database, store_id, job_id))
    assert (await outcome(database, operation)).status == "DONE"
    assert await end(database) == NOTHING


async def test_an_operation_without_a_job_is_ended(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        started = [await operations.start(tx, store_id, kind, NOW) for kind in ("list.export", "customer.erase")]
        await operations.progress(tx, store_id, started[1].id, 5, 10)
    assert await end(database) == EndedOrphans(2, 0, 0)
    for operation in started:
        assert (await outcome(database, operation)).status == "FAILED"
        assert await problems_of(database, operation) == NO_JOB


async def test_an_operation_whose_job_failed_for_good_is_ended(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        operation = await operations.start(tx, store_id, "list.export", NOW)
        await jobs.add(tx, store_id, "list.export", {"operation": str(operation.id)})
    assert await end(database) == NOTHING
    async with database.write() as tx:
        await tx.execute(update(job_rows).values(status="failed"))
    assert await end(database) == EndedOrphans(1, 0, 0)


async def test_a_list_without_a_job_is_ended(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        list_id = await add_list(tx, store_id, [])
        await tx.execute(update(lists).values(status="GENERATING"))
        operation = await operations.start(tx, store_id, BUILD.name, NOW)
        await jobs.add(tx, store_id, BUILD.name, {"list": str(list_id), "operation": str(operation.id)})
    assert await end(database) == NOTHING
    async with database.write() as tx:
        await tx.execute(delete(job_rows))
    assert await end(database) == EndedOrphans(1, 1, 0)
    async with database.read() as tx:
        row = (await tx.execute(select(lists.c.status, lists.c.problem).where(lists.c.id == list_id))).one()
    problem = "Nobody makes it any more, for its job is gone: delete it, and make the next one"
    assert tuple(row) == ("FAILED", problem)
    assert await end(database) == NOTHING


async def test_rows_of_an_import_that_is_over_are_deleted(database: Database, store_id: int) -> None:
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, PIECE)
    lost, living = ids.new(), (await send(database, store_id, ImportKind.CUSTOMERS, PIECE))[0].id
    async with database.write() as tx:
        for operation_id in (done.id, lost):
            keys = {"store_id": store_id, "operation_id": operation_id}
            await tx.execute(uploads.insert().values(**keys, number=1, content=PIECE))
            rows: Sequence[dict[str, object]] = [{**keys, "part": 1, "row": row, "name": "Ann"} for row in (2, 3)]
            await tx.execute(import_customers.insert(), rows)
    assert await end(database) == EndedOrphans(0, 0, 2)
    async with database.read() as tx:
        left = (await tx.execute(select(uploads.c.operation_id))).scalars().all()
    assert (left, await count(database, import_customers)) == ([living], [0])


async def test_a_file_without_an_operation_is_deleted(database: Database, store_id: int, tmp_path: Path) -> None:
    files = FileDirectory(tmp_path / "files")
    async with database.write() as tx:
        living = await operations.start(tx, store_id, "customer.export", NOW)
        await jobs.add(tx, store_id, "customer.export", {"operation": str(living.id)})
    for operation_id in (ids.new(), living.id):
        with files.create(store_id, operation_id, 1, "customer-1.json") as file:
            file.path.write_text("{}")
            files.publish(file)
    await delete_expired_files(database, files, MAKE_FILES, NOW)
    assert [path.name for path in (tmp_path / "files").iterdir()] == [f"{store_id}-{living.id.hex}-1.json"]


async def test_reports_are_deleted_when_their_time_is_over(database: Database, store_id: int) -> None:
    bad = b"external_id,phone\na,no phone\n"
    old, new = [await bring_in(database, store_id, ImportKind.CUSTOMERS, bad) for _ in range(2)]
    async with database.write() as tx:
        is_old = operation_problems.c.operation_id == old.id
        month = database_later(-31 * 86_400, tx.dialect)
        await tx.execute(update(operation_problems).where(is_old).values(created_at=month))
    assert await delete_old_reports(database) == 1
    assert (await problems_of(database, old), len(await problems_of(database, new))) == ([], 1)
