"""Takes in a file piece by piece, and leaves it to a worker."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

from domain import jobs
from domain.imports import queries, runner
from domain.imports.model import PIECE, ImportKind
from domain.jobs import Job, Queue
from domain.kit.clock import Clock
from domain.kit.db import Database, Transaction
from domain.operations import queries as operations
from domain.operations.model import Operation

check_start = runner.check_start


async def open_import(
    tx: Transaction, store_id: int, kind: ImportKind, now: datetime, *, dry_run: bool = False
) -> Operation:
    """`dry_run` reports what is wrong with a file, and changes nothing."""
    operation = await operations.start(tx, store_id, kind.job, now, dry_run=dry_run)
    await queries.add(tx, store_id, operation.id, kind)
    return operation


async def append(tx: Transaction, store_id: int, operation_id: UUID, number: int, content: bytes) -> None:
    """The next piece, counted from 1; at most `PIECE` bytes."""
    await queries.add_piece(tx, store_id, operation_id, number, content)


async def submit(tx: Transaction, store_id: int, operation_id: UUID, kind: ImportKind) -> UUID:
    """The file is complete: a worker may begin."""
    payload = {"operation": str(operation_id)}
    return await jobs.add(tx, store_id, kind.job, payload, queue=Queue.IMPORTS)


async def abandon(tx: Transaction, store_id: int, operation_id: UUID) -> None:
    """The rest of the file will not come."""
    await queries.clear(tx, store_id, operation_id)


async def take_in(
    database: Database,
    store_id: int,
    kind: ImportKind,
    chunks: AsyncIterator[bytes],
    now: datetime,
    *,
    dry_run: bool = False,
) -> Operation:
    """A whole file from a stream; a wrong start of it is refused before anything is kept."""
    pieces = _pieces(chunks)
    first = await anext(pieces, b"")
    check_start(first, kind)
    async with database.write() as tx:
        operation = await open_import(tx, store_id, kind, now, dry_run=dry_run)
        await append(tx, store_id, operation.id, 1, first)
    number = 1
    async for piece in pieces:
        number += 1
        async with database.write() as tx:
            await append(tx, store_id, operation.id, number, piece)
    return operation


async def _pieces(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) >= PIECE:
            yield bytes(held[:PIECE])
            del held[:PIECE]
    if held:
        yield bytes(held)


Watch = Callable[[Operation], None]


async def from_file(
    database: Database, store_id: int, kind: ImportKind, path: Path, clock: Clock, *, watch: Watch | None = None
) -> Operation:
    """Import a local file here and now; nobody else gets the job. `watch` is told which operation to look at."""
    operation = await take_in(database, store_id, kind, _read(path), clock())
    if watch is not None:
        watch(operation)
    async with database.write() as tx:
        job_id = await submit(tx, store_id, operation.id, kind)
        job = await jobs.claim(tx, store_id, job_id, "command")
    assert job is not None
    await runner.run(database, job, clock, lambda tx: _finish(tx, job))
    async with database.read() as tx:
        done = await operations.by_id(tx, store_id, operation.id)
    assert done is not None
    return done


async def _finish(tx: Transaction, job: Job) -> None:
    await jobs.finish(tx, job)


async def _read(path: Path) -> AsyncIterator[bytes]:
    for chunk in _chunks(path):
        yield chunk


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(PIECE):
            yield chunk
