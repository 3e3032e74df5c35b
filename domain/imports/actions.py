"""Receives files piece by piece, and submits them to a worker."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from domain import jobs
from domain.imports import queries, runner
from domain.imports.header import read_header
from domain.imports.model import PIECE_BYTES, ImportKind
from domain.jobs import Queue
from domain.kit.clock import Clock
from domain.kit.db import Database, Transaction
from domain.operations import queries as operations
from domain.operations.model import Operation

OnStart = Callable[[Operation], None]


def check_start(start: bytes, kind: ImportKind) -> None:
    """Raise DomainError when no file of the kind begins like this."""
    read_header(start, runner.FORMATS[kind])


async def open_import(
    tx: Transaction, store_id: int, kind: ImportKind, now: datetime, *, dry_run: bool = False
) -> Operation:
    """Return a new operation, which waits for its file; `dry_run` only reports what is wrong with that."""
    operation = await operations.start(tx, store_id, kind.job, now, dry_run=dry_run)
    await queries.add(tx, store_id, operation.id, kind)
    return operation


async def append(tx: Transaction, store_id: int, operation_id: UUID, number: int, content: bytes) -> None:
    """Store the next piece, counted from 1; at most `PIECE_BYTES` long."""
    await queries.add_piece(tx, store_id, operation_id, number, content)


async def submit(tx: Transaction, store_id: int, operation_id: UUID, kind: ImportKind) -> UUID:
    """Let a worker begin, now that the file is complete, and return the id of its job."""
    payload = {"operation": str(operation_id)}
    return await jobs.add(tx, store_id, kind.job, payload, queue=Queue.IMPORTS)


async def abandon(tx: Transaction, store_id: int, operation_id: UUID) -> None:
    """Delete what has come of a file whose rest will not come."""
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
    """Store a whole file from a stream. Raise DomainError, with nothing stored, when its start is wrong."""
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
    buffer = bytearray()
    async for chunk in chunks:
        buffer += chunk
        while len(buffer) >= PIECE_BYTES:
            yield bytes(buffer[:PIECE_BYTES])
            del buffer[:PIECE_BYTES]
    if buffer:
        yield bytes(buffer)


async def from_file(
    database: Database, store_id: int, kind: ImportKind, path: Path, clock: Clock, *, on_start: OnStart | None = None
) -> Operation:
    """Import a local file here and now, in no worker, and return the operation as it ended.

    `on_start` is called with the operation once the file is stored.
    """

    async def chunks() -> AsyncIterator[bytes]:
        with path.open("rb") as file:
            while chunk := file.read(PIECE_BYTES):
                yield chunk

    operation = await take_in(database, store_id, kind, chunks(), clock())
    if on_start is not None:
        on_start(operation)
    async with database.write() as tx:
        job_id = await submit(tx, store_id, operation.id, kind)
        job = await jobs.claim(tx, store_id, job_id, "command")
    assert job is not None
    await runner.run(database, job, clock, lambda tx: jobs.finish(tx, job))
    async with database.read() as tx:
        ended = await operations.by_id(tx, store_id, operation.id)
    assert ended is not None
    return ended
