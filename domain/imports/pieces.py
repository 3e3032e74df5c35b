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
from domain.imports.header import Header, read_header
from domain.imports.import_run import ImportRun
from domain.imports.model import Phase, Progress
from domain.imports.reports import queries as reports
from domain.imports.reports.model import MAX_SAMPLES, ImportReport, ReportedColumn, SampleRow
from domain.imports.reports.samples import samples_of
from domain.imports.values.dates import OrderUnknown
from domain.kit.db.portable import refresh_statistics
from domain.kit.errors import DomainError

# Pieces that are read before the lease is renewed: some seconds.
_PIECES_A_CHECKPOINT = 16
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of the file: `size` bytes of it are still to be read, and they end at its byte `end`."""

    number: int
    size: int
    end: int
    last: bool


@dataclass(frozen=True, slots=True)
class _StagedPiece:
    """The content of a piece: rows to write, the progress after them, and the bytes of no complete record.

    `report` is the file's, with its first piece; `samples` are the first of its rows.
    """

    staged: StagedRows
    progress: Progress
    rest: bytes
    samples: list[SampleRow]
    report: ImportReport | None = None


async def stage(run: ImportRun) -> None:
    """Stage what is left of the file, or write it, and complete it. Raise Unreadable when it is none to be read."""
    async with run.database.read() as tx:
        last = await queries.last_piece(tx, run.store_id, run.operation_id)
    progress = run.progress
    header: Header | None = None
    if not progress.columns:
        progress, header = await _begin(run, last)
    first = progress.piece
    async with run.database.read() as tx:
        reader = await run.format.reader(tx, run.key, progress)
    rest = b""
    left_out = 0
    writing: asyncio.Task[int] | None = None
    try:
        for number in range(first, last + 1):
            offset = progress.offset if number == first else 0
            content = await _content(run, number)
            piece = _Piece(number, len(content) - offset, len(content), number == last)
            # The database writes one piece while the next is read.
            data = rest + content[offset:]
            try:
                staged = await asyncio.to_thread(_read_piece, run.format, reader, progress, piece, data)
            except OrderUnknown:
                progress = replace(progress, date_orders=await examine(run, progress, reader.date_columns))
                async with run.database.read() as tx:
                    reader = await run.format.reader(tx, run.key, progress)
                staged = await asyncio.to_thread(_read_piece, run.format, reader, progress, piece, data)
            if header is not None:
                staged, header = _with_header(staged, header), None
            progress, rest = staged.progress, staged.rest
            if writing is not None:
                left_out += await writing
            writing = asyncio.create_task(_write_piece(run, staged, left_out))
        if writing is not None:
            left_out += await writing
    finally:
        if writing is not None and not writing.done():
            await asyncio.wait([writing])
    run.progress = replace(progress, problem_count=progress.problem_count + left_out)
    await _complete(run)


async def _content(run: ImportRun, number: int) -> bytes:
    async with run.database.read() as tx:
        content = await queries.piece(tx, run.store_id, run.operation_id, number)
    if content is None:
        raise Unreadable("A part of the file is missing: send it again")
    return content


async def _begin(run: ImportRun, last: int) -> tuple[Progress, Header]:
    """Read the header, and all of the file where its rows are to be written as they are read: it must be text."""
    first = run.progress.piece
    header = _read_header(run.progress, await _content(run, first), run.format)
    progress = _begun(run.progress, header)
    direct = run.format.direct
    async with run.database.read() as tx:
        if direct is None or run.dry_run or not await direct.suits(tx, run.key, progress.columns):
            return progress, header
    form = Form(Encoding(progress.encoding), progress.separator)
    rest, next_row = b"", 1
    for number in range(first, last + 1):
        data = rest + await _content(run, number)
        records = await asyncio.to_thread(csv_reader.read, data, next_row, form, final=number == last)
        rest, next_row = data[records.byte_length :], next_row + len(records.rows)
        csv_reader.check_length(rest, next_row)
        if number % _PIECES_A_CHECKPOINT == 0:
            async with run.database.write() as tx:
                await run.checkpoint(tx, run.progress, 0, next_row * last // number)
    return replace(progress, direct=True), header


def _read_header(progress: Progress, start: bytes, file_format: ImportFormat) -> Header:
    # That of a workbook's CSV is known.
    separator = progress.separator if progress.workbook_pieces else None
    try:
        return read_header(start, Encoding(progress.encoding), file_format, progress.options, separator)
    except Unreadable:
        raise
    except DomainError as error:
        # A workbook's header may lie too deep in it to be checked at once.
        raise Unreadable(error.message) from error


def _begun(progress: Progress, header: Header) -> Progress:
    fields = header.fields
    return replace(
        progress,
        separator=header.form.separator,
        header_row=header.row,
        columns=fields.names,
        cells=fields.cells,
        heads=[header.heads[cell] for cell in fields.cells],
        composed=fields.composed,
        left_out=fields.left_out,
        property_labels=fields.labels,
        preset=fields.preset,
        apostrophes=fields.apostrophes,
        width=len(header.heads),
    )


def _read_piece(
    file_format: ImportFormat, reader: RowReader, progress: Progress, piece: _Piece, data: bytes
) -> _StagedPiece:
    form = Form(Encoding(progress.encoding), progress.separator)
    records = csv_reader.read(data, progress.next_row, form, final=piece.last)
    rest = data[records.byte_length :]
    next_row = progress.next_row + len(records.rows)
    csv_reader.check_length(rest, next_row)
    aligned = align(records, progress)
    staged = reader.read(aligned.rows, progress.last_part + 1)
    problems = sorted([*aligned.problems, *staged.problems], key=lambda problem: problem.row or 0)
    staged = replace(staged, problems=problems)
    samples = samples_of(staged, file_format.staging, MAX_SAMPLES - progress.sample_count)
    # The next record begins in this piece, or in an earlier one when none ends in this.
    begins_here = len(rest) <= piece.size
    after = replace(
        progress.counting(problems),
        piece=piece.number if begins_here else progress.piece,
        offset=piece.end - len(rest) if begins_here else progress.offset,
        next_row=next_row,
        bytes_read=progress.bytes_read + records.byte_length,
        filled_rows=progress.filled_rows + len(aligned.rows) + aligned.refused,
        sample_count=progress.sample_count + len(samples),
        property_types={key: list(types) for key, types in reader.property_types.items()},
        # What is written already is merged no more.
        last_part=progress.last_part if progress.direct else progress.last_part + staged.parts,
        nameless=aligned.nameless,
    )
    return _StagedPiece(staged, after, rest, samples)


def _with_header(piece: _StagedPiece, header: Header) -> _StagedPiece:
    """Return the file's first piece with its report, and with what is to be told of its columns."""
    before, fields = piece.progress, header.fields
    notices = [replace(notice, row=header.row) for notice in fields.notices]
    staged = replace(piece.staged, problems=[*notices, *piece.staged.problems])
    made_of: dict[int, list[str]] = {cell: [] for cell, head in enumerate(header.heads) if head}
    for name, cell in zip(fields.names, fields.cells, strict=True):
        made_of[cell].append(name)
    for field in fields.composed:
        for other in field.cells[1:]:
            made_of[other.cell].append(field.field)
    columns = [ReportedColumn(header.heads[cell][:_LONGEST_NAME], names) for cell, names in made_of.items()]
    report = ImportReport(before.encoding, before.separator, fields.preset, columns)
    return replace(piece, staged=staged, progress=before.counting(notices), report=report)


async def _write_piece(run: ImportRun, piece: _StagedPiece, left_out: int) -> int:
    """Write a piece, before which so many rows were left out in writing, and return how many of its own are."""
    staged, progress = piece.staged, piece.progress
    problems = list(staged.problems)
    async with run.database.write() as tx:
        direct = run.format.direct
        if progress.direct and direct is not None:
            problems += await direct.write(tx, run.key, progress.columns, staged, run.clock())
        else:
            await copy.put(tx, run.format.staging, staged.columns, staged.rows)
        earlier = progress.problem_count + left_out - len(staged.problems)
        await queries.add_problems(tx, run.store_id, run.operation_id, problems, earlier)
        if piece.report is not None:
            await reports.add(tx, run.key, piece.report)
        await reports.add_samples(tx, run.key, piece.samples)
        expected_rows = round((progress.next_row - 1) * max(run.bytes / max(progress.bytes_read, 1), 1))
        # Staging is the first half of the work.
        done = progress.rows if progress.direct else progress.rows // 2
        await run.checkpoint(tx, replace(progress, problem_count=earlier + len(problems)), done, expected_rows)
    return len(problems) - len(staged.problems)


async def _complete(run: ImportRun) -> None:
    progress = replace(run.progress, phase=Phase.MERGE)
    async with run.database.write() as tx:
        if not progress.direct:
            await refresh_statistics(tx, run.format.staging, customers)
        progress = await run.format.complete(tx, run.key, progress, run.clock(), dry_run=run.dry_run)
        await run.checkpoint(tx, progress, progress.rows if progress.direct else progress.rows // 2, progress.rows)
    run.progress = progress
