"""Receives files piece by piece, and submits them to a worker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from domain import jobs
from domain.imports import queries, runner
from domain.imports.conversion import check_workbook
from domain.imports.encodings import Encoding, EncodingDetector, detect
from domain.imports.file_type import check_type, is_archive
from domain.imports.header import Header, read_header
from domain.imports.import_run import ImportEnvironment
from domain.imports.model import PIECE_BYTES, ImportKind, ImportOptions, Phase, Progress
from domain.jobs import Job, Queue
from domain.kit.db import Database, Transaction
from domain.kit.errors import DomainError
from domain.operations import queries as operations
from domain.operations.model import Operation, OperationStatus, Problem

OnStart = Callable[[Operation], None]
OnComplete = Callable[[Transaction, Operation, ImportKind], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file whose bytes are still coming, in the encoding, or in the one that it turns out to be in.

    A dry run only reports what is wrong with it.
    """

    kind: ImportKind
    chunks: AsyncIterator[bytes]
    dry_run: bool = False
    encoding: Encoding | None = None
    options: ImportOptions = field(default_factory=ImportOptions)


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of this machine, in the encoding, or in the one that it turns out to be in."""

    kind: ImportKind
    path: Path
    dry_run: bool = False
    encoding: Encoding | None = None
    options: ImportOptions = field(default_factory=ImportOptions)


def check_start(
    start: bytes, kind: ImportKind, encoding: Encoding | None = None, options: ImportOptions | None = None
) -> None:
    """Raise DomainError when no text file of the kind begins like this, or when the options are none for it."""
    check_type(start)
    read_header(start, encoding or detect([start]), runner.FORMATS[kind], options or ImportOptions())


def kind_of(path: Path) -> ImportKind | None:
    """Return the kind of a local file, by its columns; None where it is none that can be imported."""
    headers: dict[ImportKind, Header] = {}
    with path.open("rb") as file:
        start = file.read(PIECE_BYTES)
        # An order's columns may suffice for a customer, too.
        for kind in (ImportKind.ORDERS, ImportKind.EVENTS, ImportKind.CUSTOMERS):
            with suppress(DomainError):
                if is_archive(start):
                    header = check_workbook(file, runner.FORMATS[kind], ImportOptions())
                else:
                    check_type(start)
                    header = read_header(start, detect([start]), runner.FORMATS[kind])
                if header is not None:
                    headers[kind] = header
    known = [kind for kind, header in headers.items() if header.fields.preset is not None]
    return next(iter([*known, *headers]), None)


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


async def abandon(tx: Transaction, store_id: int, operation_id: UUID, now: datetime) -> None:
    """Delete what has come of a file whose rest will not come, and end its operation as failed.

    It may have come whole though nobody was told so: an import that has ended stays as it is.
    """
    if not await operations.progress(tx, store_id, operation_id, 0):
        return
    await queries.clear(tx, store_id, operation_id)
    await operations.add_problems(tx, store_id, operation_id, [Problem(None, "The file did not come whole")])
    await operations.finish(tx, store_id, operation_id, OperationStatus.FAILED, now)


async def take_in(
    database: Database, store_id: int, file: IncomingFile, now: datetime, *, on_complete: OnComplete | None = None
) -> Operation:
    """Store a whole file from a stream, and let a worker begin in the transaction of its last piece.

    `on_complete` is called in that transaction instead. Raise DomainError, with nothing stored, when the file's start
    is wrong; whatever else ends the stream, the operation has failed.
    """
    operation: Operation | None = None
    number = 0
    with ExitStack() as stack:
        checked = await _check(file, stack)
        piece: bytes | None = checked.first
        try:
            while piece is not None:
                number += 1
                following = await anext(checked.others, None)
                if following is not None and checked.detector is not None:
                    checked.detector.feed(following)
                async with database.write() as tx:
                    if operation is None:
                        operation = await open_import(tx, store_id, file.kind, now, dry_run=file.dry_run)
                    await append(tx, store_id, operation.id, number, piece)
                    if following is None:
                        progress = _first_progress(file, checked, number)
                        await queries.save(tx, store_id, operation.id, progress)
                        await (on_complete or _submit)(tx, operation, file.kind)
                piece = following
        except Exception:
            if number > 1 and operation is not None:
                # Where the database does not answer, nothing of it can be deleted either.
                with suppress(SQLAlchemyError, OSError):
                    async with database.write() as tx:
                        await abandon(tx, store_id, operation.id, now)
            raise
    assert operation is not None
    return operation


@dataclass(frozen=True, slots=True)
class _CheckedFile:
    """The pieces of a file whose start is right; a workbook has no `detector` of its encoding."""

    first: bytes
    others: AsyncIterator[bytes]
    detector: EncodingDetector | None


async def _check(file: IncomingFile, stack: ExitStack) -> _CheckedFile:
    """Return the file's pieces. Raise DomainError when its start is wrong.

    A workbook is written into a file of the stack first: its directory is its end.
    """
    pieces = _pieces(file.chunks)
    first = await anext(pieces, b"")
    if not is_archive(first):
        detector = EncodingDetector()
        detector.feed(first)
        check_start(first, file.kind, file.encoding or detector.encoding(), file.options)
        return _CheckedFile(first, pieces, detector)
    spool = stack.enter_context(TemporaryFile())  # noqa: SIM115 - the stack closes it
    await asyncio.to_thread(spool.write, first)
    async for piece in pieces:
        await asyncio.to_thread(spool.write, piece)
    await asyncio.to_thread(check_workbook, spool, runner.FORMATS[file.kind], file.options)
    spool.seek(0)

    async def stored() -> AsyncIterator[bytes]:
        while piece := await asyncio.to_thread(spool.read, PIECE_BYTES):
            yield piece

    others = stored()
    return _CheckedFile(await anext(others), others, None)


def _first_progress(file: IncomingFile, checked: _CheckedFile, pieces: int) -> Progress:
    if checked.detector is None:
        return Progress(phase=Phase.CONVERT, workbook_pieces=pieces, options=file.options)
    return Progress(encoding=(file.encoding or checked.detector.encoding()).value, options=file.options)


async def _submit(tx: Transaction, operation: Operation, kind: ImportKind) -> None:
    await submit(tx, operation.store_id, operation.id, kind)


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
    database: Database,
    store_id: int,
    file: LocalFile,
    environment: ImportEnvironment,
    *,
    record: OnComplete | None = None,
    on_start: OnStart | None = None,
) -> Operation:
    """Import a local file here and now, in no worker, and return the operation as it ended.

    `record` is called in the transaction that completes the file, `on_start` with the operation once it is stored.
    """

    async def chunks() -> AsyncIterator[bytes]:
        with file.path.open("rb") as opened:
            while chunk := opened.read(PIECE_BYTES):
                yield chunk

    claimed: list[Job] = []

    async def claim(tx: Transaction, operation: Operation, kind: ImportKind) -> None:
        """Submit the file, and claim its job before any worker sees it."""
        job = await jobs.claim(tx, store_id, await submit(tx, store_id, operation.id, kind), "command")
        assert job is not None
        claimed.append(job)
        if record is not None:
            await record(tx, operation, kind)

    incoming = IncomingFile(file.kind, chunks(), file.dry_run, file.encoding, file.options)
    operation = await take_in(database, store_id, incoming, environment.clock(), on_complete=claim)
    if on_start is not None:
        on_start(operation)
    [job] = claimed
    await runner.run(database, job, environment, lambda tx: jobs.finish(tx, job))
    async with database.read() as tx:
        ended = await operations.by_id(tx, store_id, operation.id)
    assert ended is not None
    return ended
