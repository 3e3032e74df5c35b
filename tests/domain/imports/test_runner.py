"""A worker that dies anywhere leaves an import that another can end, and writes nothing once another has it."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from domain import jobs
from domain.customers.tables import contacts, customers
from domain.imports import actions, queries, runner
from domain.imports.model import ImportKind
from domain.imports.tables import STAGED, imports, uploads
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database, Transaction
from tests.domain.imports.files import claim, die_and_do, do, outcome, problems_of, send
from tests.factories import NOW
from tests.fakes import make_services

ROWS = 14_000
FILE = b"external_id,name,consent.email\n" + b"".join(
    b'c%d,"%s",SUBSCRIBED\n' % (at % (ROWS // 2), b"n" * 190) for at in range(ROWS)
)

STAGED_FILE = FILE.replace(b"consent.email", b"consent.email,property.size", 1)


# A file whose property has no type yet is staged first; of another, each piece is written as it is read.
@pytest.mark.slow
@pytest.mark.parametrize(("file", "save"), [(FILE, 1), (FILE, 3), (FILE, 4), (STAGED_FILE, 1), (STAGED_FILE, 6)])
async def test_another_worker_goes_on_where_one_died(
    database: Database, store_id: int, file: bytes, save: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation, job_id = await send(database, store_id, ImportKind.CUSTOMERS, file)
    await die_and_do(database, store_id, job_id, monkeypatch, save=save)
    done = await outcome(database, operation)
    assert (done.status, done.done, done.total) == ("DONE", ROWS, ROWS)
    assert await problems_of(database, operation) == []
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(customers)) == ROWS // 2
        assert await tx.scalar(select(func.count()).select_from(contacts)) == ROWS // 2
        for table in (imports, uploads, *STAGED):
            assert await tx.scalar(select(func.count()).select_from(table)) == 0


async def test_a_worker_that_lost_its_job_writes_nothing(database: Database, store_id: int) -> None:
    operation, job_id = await send(database, store_id, ImportKind.CUSTOMERS, FILE)
    stale = await claim(database, store_id, job_id, lease=-1)
    fresh = await claim(database, store_id, job_id)
    with pytest.raises(jobs.LeaseLost):
        await do(database, stale)
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(STAGED[0])) == 0
    await do(database, fresh)
    assert (await outcome(database, operation)).status == "DONE"


async def test_an_import_that_its_sender_abandons_is_not_done(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has no answer to the last piece abandons a file that a worker may be at."""
    operation, job_id = await send(database, store_id, ImportKind.CUSTOMERS, FILE)
    save = queries.save

    async def abandon_and_save(tx: Transaction, *values: object) -> None:
        monkeypatch.undo()
        # In the worker's transaction, for SQLite has no two writers at a time.
        await actions.abandon(tx, store_id, operation.id, NOW)
        await save(tx, *values)  # type: ignore[arg-type]

    # A sender that gives up between two steps of the worker cannot be brought about from outside at will.
    monkeypatch.setattr(queries, "save", abandon_and_save)
    with pytest.raises(jobs.LeaseLost):
        await do(database, await claim(database, store_id, job_id))
    async with database.write() as tx:
        await actions.abandon(tx, store_id, operation.id, NOW)
        await tx.execute(update(job_rows).values(lease_until=NOW - timedelta(days=9_999)))
    await do(database, await claim(database, store_id, job_id))
    assert (await outcome(database, operation)).status == "FAILED"
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(job_rows)) == 0


async def test_an_import_that_is_done_cannot_be_abandoned(database: Database, store_id: int) -> None:
    operation, job_id = await send(database, store_id, ImportKind.CUSTOMERS, FILE)
    await do(database, await claim(database, store_id, job_id))
    async with database.write() as tx:
        await actions.abandon(tx, store_id, operation.id, NOW)
    assert (await outcome(database, operation)).status == "DONE"
    assert await problems_of(database, operation) == []


async def test_an_import_that_is_given_up_leaves_only_its_reason(database: Database, store_id: int) -> None:
    operation, job_id = await send(database, store_id, ImportKind.CUSTOMERS, FILE)
    job = await claim(database, store_id, job_id)
    async with database.write() as tx:
        await runner.give_up(tx, make_services(database), job)
    (problem,) = await problems_of(database, operation)
    assert "given up" in problem.message
    assert (await outcome(database, operation)).status == "FAILED"
    async with database.write() as tx:
        await jobs.finish(tx, job)
        assert await tx.scalar(select(func.count()).select_from(uploads)) == 0


async def test_a_file_that_is_no_text_at_its_end_leaves_nothing(database: Database, store_id: int) -> None:
    """Its rows are written as they are read, but none before all of it has been seen."""
    operation, job_id = await send(database, store_id, ImportKind.CUSTOMERS, FILE + b"last,\0,\n")
    await do(database, await claim(database, store_id, job_id))
    assert (await outcome(database, operation)).status == "FAILED"
    (problem,) = await problems_of(database, operation)
    assert problem.row == ROWS + 2
    async with database.read() as tx:
        for table in (customers, contacts, imports, uploads, *STAGED):
            assert await tx.scalar(select(func.count()).select_from(table)) == 0
