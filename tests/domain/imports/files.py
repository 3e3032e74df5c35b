"""Imports of bytes, as the tests need them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from domain import jobs
from domain.imports import actions, queries, runner
from domain.imports.model import ImportKind, ImportOptions
from domain.jobs import Job
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database, Transaction
from domain.operations import queries as operations
from domain.operations.model import Operation, Problem
from tests.factories import NOW
from tests.fakes import IMPORTS

NO_OPTIONS = ImportOptions()


async def send(
    database: Database,
    store_id: int,
    kind: ImportKind,
    content: bytes,
    *,
    dry_run: bool = False,
    options: ImportOptions = NO_OPTIONS,
) -> tuple[Operation, UUID]:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    job_ids: list[UUID] = []

    async def submit(tx: Transaction, operation: Operation, kind: ImportKind) -> None:
        job_ids.append(await actions.submit(tx, store_id, operation.id, kind))

    incoming = actions.IncomingFile(kind, chunks(), dry_run, options=options)
    operation = await actions.take_in(database, store_id, incoming, NOW, on_complete=submit)
    return operation, job_ids[0]


async def claim(database: Database, store_id: int, job_id: UUID, *, lease: float = 60) -> Job:
    async with database.write() as tx:
        job = await jobs.claim(tx, store_id, job_id, "worker", lease)
    assert job is not None
    return job


def finishing(job: Job) -> Callable[[Transaction], Awaitable[None]]:
    async def finish(tx: Transaction) -> None:
        await jobs.finish(tx, job)

    return finish


async def do(database: Database, job: Job) -> None:
    await runner.run(database, job, IMPORTS, finishing(job))


class Killed(Exception):
    pass


async def die_and_do(
    database: Database, store_id: int, job_id: UUID, monkeypatch: pytest.MonkeyPatch, *, save: int
) -> None:
    """Have a worker die when it stores its progress for the time that `save` says, and another one go on."""
    saved, saves = queries.save, 0

    async def dying(*args: object) -> None:
        nonlocal saves
        saves += 1
        if saves == save:
            raise Killed
        await saved(*args)  # type: ignore[arg-type]

    # A worker's death between two statements cannot be brought about from outside at will.
    with monkeypatch.context() as patch:
        patch.setattr(queries, "save", dying)
        with pytest.raises(Killed):
            await do(database, await claim(database, store_id, job_id))
    async with database.write() as tx:
        await tx.execute(update(job_rows).values(lease_until=NOW - timedelta(days=9_999)))
    await do(database, await claim(database, store_id, job_id))


async def bring_in(
    database: Database,
    store_id: int,
    kind: ImportKind,
    content: bytes,
    *,
    dry_run: bool = False,
    options: ImportOptions = NO_OPTIONS,
) -> Operation:
    operation, job_id = await send(database, store_id, kind, content, dry_run=dry_run, options=options)
    await do(database, await claim(database, store_id, job_id))
    return await outcome(database, operation)


async def outcome(database: Database, operation: Operation) -> Operation:
    async with database.read() as tx:
        done = await operations.by_id(tx, operation.store_id, operation.id)
    assert done is not None
    return done


async def problems_of(database: Database, operation: Operation) -> list[Problem]:
    async with database.read() as tx:
        return (await operations.problems_of(tx, operation.store_id, [operation.id]))[operation.id]
