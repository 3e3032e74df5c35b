"""Stages a file's rows: reads it piece by piece, each from where the last complete record ended."""

import asyncio
from dataclasses import dataclass, replace

from domain.customers.tables import customers
from domain.imports import copy, csv_reader, queries
from domain.imports.alignment import align
from domain.imports.csv_reader import Form, Unreadable
from domain.imports.date_orders import examine
from domain.imports.encodings import Encoding
from domain.imports.format import ImportFormat, RowReader, StagedRows
from domain.imports.header import read_header
from domain.imports.import_run import ImportRun
from domain.imports.model import Phase, Progress
from domain.imports.values.dates import OrderUnknown
from domain.kit.db.portable import refresh_statistics
from domain.kit.errors import DomainError


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of the file: `size` bytes of it are still to be read, and they end at its byte `end`."""

    number: int
    size: int
    end: int
    last: bool


@dataclass(frozen=True, slots=True)
class _StagedPiece:
    """The content of a piece: rows to write, the progress after them, and the bytes of no complete record."""

    staged: StagedRows
    progress: Progress
    rest: bytes


async def stage(run: ImportRun) -> None:
    """Stage what is left of the file, and complete it. Raise Unreadable when it is not one that can be read."""
    async with run.database.read() as tx:
        last = await queries.last_piece(tx, run.store_id, run.operation_id)
    progress = run.progress
    first = progress.piece
    reader: RowReader | None = None
    rest = b""
    writing: asyncio.Task[None] | None = None
    try:
        for number in range(first, last + 1):
            offset = progress.offset if number == first else 0
            async with run.database.read() as tx:
                content = await queries.piece(tx, run.store_id, run.operation_id, number)
            if content is None:
                raise Unreadable("A part of the file is missing: send it again")
            data = rest + content[offset:]
            if reader is None:
                if not progress.columns:
                    progress = _begun(progress, data, run.format)
                async with run.database.read() as tx:
                    reader = await run.format.reader(tx, run.key, progress)
            piece = _Piece(number, len(content) - offset, len(content), number == last)
            # The database writes one piece while the next is read.
            try:
                staged = await asyncio.to_thread(_read_piece, reader, progress, piece, data)
            except OrderUnknown:
                progress = replace(progress, date_orders=await examine(run, progress, reader.date_columns))
                async with run.database.read() as tx:
                    reader = await run.format.reader(tx, run.key, progress)
                staged = await asyncio.to_thread(_read_piece, reader, progress, piece, data)
            progress, rest = staged.progress, staged.rest
            if writing is not None:
                await writing
            writing = asyncio.create_task(_write_piece(run, staged))
        if writing is not None:
            await writing
    finally:
        if writing is not None and not writing.done():
            await asyncio.wait([writing])
    run.progress = progress
    await _complete(run)


def _begun(progress: Progress, start: bytes, file_format: ImportFormat) -> Progress:
    # That of a workbook's CSV is known.
    separator = progress.separator if progress.workbook_pieces else None
    try:
        header = read_header(start, Encoding(progress.encoding), file_format, separator)
    except Unreadable:
        raise
    except DomainError as error:
        # A workbook's header may lie too deep in it to be checked at once.
        raise Unreadable(error.message) from error
    return replace(
        progress,
        separator=header.form.separator,
        header_row=header.row,
        columns=header.names,
        cells=header.cells,
        width=header.width,
    )


def _read_piece(reader: RowReader, progress: Progress, piece: _Piece, data: bytes) -> _StagedPiece:
    form = Form(Encoding(progress.encoding), progress.separator)
    records = csv_reader.read(data, progress.next_row, form, final=piece.last)
    rest = data[records.byte_length :]
    next_row = progress.next_row + len(records.rows)
    csv_reader.check_length(rest, next_row)
    aligned = align(records, progress)
    part = progress.last_part + 1
    staged = reader.read(aligned.rows, part)
    problems = sorted([*aligned.problems, *staged.problems], key=lambda problem: problem.row or 0)
    staged = replace(staged, problems=problems)
    # The next record begins in this piece, or in an earlier one when none ends in this.
    begins_here = len(rest) <= piece.size
    after = replace(
        progress,
        piece=piece.number if begins_here else progress.piece,
        offset=piece.end - len(rest) if begins_here else progress.offset,
        next_row=next_row,
        bytes_read=progress.bytes_read + records.byte_length,
        problem_count=progress.problem_count + len(problems),
        property_types={key: list(types) for key, types in reader.property_types.items()},
        last_part=part,
        nameless=aligned.nameless,
    )
    return _StagedPiece(staged, after, rest)


async def _write_piece(run: ImportRun, piece: _StagedPiece) -> None:
    staged, progress = piece.staged, piece.progress
    async with run.database.write() as tx:
        await copy.put(tx, run.format.staging, staged.columns, staged.rows)
        earlier = progress.problem_count - len(staged.problems)
        await queries.add_problems(tx, run.store_id, run.operation_id, staged.problems, earlier)
        expected_rows = round((progress.next_row - 1) * max(run.bytes / max(progress.bytes_read, 1), 1))
        await run.checkpoint(tx, progress, progress.rows // 2, expected_rows)


async def _complete(run: ImportRun) -> None:
    progress = replace(run.progress, phase=Phase.MERGE)
    async with run.database.write() as tx:
        await refresh_statistics(tx, run.format.staging, customers)
        progress = await run.format.complete(tx, run.key, progress, run.clock(), dry_run=run.dry_run)
        await run.checkpoint(tx, progress, progress.rows // 2, progress.rows)
    run.progress = progress
