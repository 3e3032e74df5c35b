"""Stages a file's rows: reads it piece by piece, each from where the last complete record ended."""

import asyncio
from dataclasses import dataclass, replace

from domain.customers.tables import customers
from domain.imports import copy, csv_reader, queries
from domain.imports.alignment import align
from domain.imports.csv_reader import Form, Unreadable
from domain.imports.date_orders import examine
from domain.imports.encodings import Encoding
from domain.imports.format import Carried, DirectRows, FileScan, ImportFormat, RowReader, StagedRows, WrittenRows
from domain.imports.header import Header, read_header
from domain.imports.import_run import ImportRun
from domain.imports.model import Phase, Progress
from domain.imports.reports import queries as reports
from domain.imports.reports.model import MAX_SAMPLES, ImportReport, ReportedColumn, SampleRow
from domain.imports.reports.samples import samples_of
from domain.imports.values.dates import OrderUnknown
from domain.kit.db.portable import refresh_statistics
from domain.kit.errors import DomainError
from domain.kit.memory import without_cycle_search

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


@dataclass(frozen=True, slots=True)
class _WrittenPieces:
    """The part of the progress that comes from writing, of which reading is ahead."""

    left_out: int
    staged_rows: int
    carried: Carried

    def added_to(self, progress: Progress) -> Progress:
        return replace(
            progress,
            problem_count=progress.problem_count + self.left_out,
            staged_rows=self.staged_rows,
            carried=self.carried,
        )


async def stage(run: ImportRun) -> None:
    """Stage what is left of the file, or write it, and complete it. Raise Unreadable when it is none to be read."""
    async with run.database.read() as tx:
        last = await queries.last_piece(tx, run.store_id, run.operation_id)
    progress = run.progress
    header: Header | None = None
    if not progress.columns:
        header = _read_header(progress, await _content(run, progress.piece), run.format)
        progress = _begun(progress, header)
    scan: FileScan | None = None
    if progress.direct or (header is not None and await _may_be_direct(run, progress)):
        scan = await _scan(run, progress, last)
        # Where rows were written so before, they still are.
        progress = replace(progress, direct=progress.direct or scan is None or scan.suits)
    first = progress.piece
    async with run.database.read() as tx:
        reader = await run.format.reader(tx, run.key, progress)
    rest = b""
    so_far = _WrittenPieces(0, progress.staged_rows, progress.carried)
    writing: asyncio.Task[_WrittenPieces] | None = None
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
            so_far = await _end_of(writing, so_far)
            writing = asyncio.create_task(_write_piece(run, staged, scan, so_far))
        so_far = await _end_of(writing, so_far)
    finally:
        if writing is not None and not writing.done():
            await asyncio.wait([writing])
    run.progress = so_far.added_to(progress)
    await _complete(run)


async def _end_of(writing: asyncio.Task[_WrittenPieces] | None, so_far: _WrittenPieces) -> _WrittenPieces:
    """Return what is written when a piece is; what was before where none is being written."""
    return so_far if writing is None else await writing


async def _content(run: ImportRun, number: int) -> bytes:
    async with run.database.read() as tx:
        content = await queries.piece(tx, run.store_id, run.operation_id, number)
    if content is None:
        raise Unreadable("A part of the file is missing: send it again")
    return content


async def _may_be_direct(run: ImportRun, progress: Progress) -> bool:
    direct = run.format.direct
    if direct is None or run.dry_run:
        return False
    async with run.database.read() as tx:
        return await direct.suits(tx, run.key, progress.columns)


async def _scan(run: ImportRun, progress: Progress, last: int) -> FileScan | None:
    """Read all of a file whose rows are to be written as they are read: it must be text. Return what has seen it."""
    make_scan = None if run.format.direct is None else run.format.direct.scan
    if run.progress.direct and make_scan is None:
        return None
    scan = None if make_scan is None else make_scan(progress)
    at, rest = replace(progress, next_row=1), b""
    first = progress.workbook_pieces + 1
    for number in range(first, last + 1):
        data = rest + await _content(run, number)
        at, rest = await asyncio.to_thread(_scan_piece, scan, at, data, final=number == last)
        if number % _PIECES_A_CHECKPOINT == 0:
            async with run.database.write() as tx:
                await run.checkpoint(tx, run.progress, run.progress.done, at.next_row * last // number)
    return scan


def _scan_piece(scan: FileScan | None, at: Progress, data: bytes, *, final: bool) -> tuple[Progress, bytes]:
    """Look at the complete records at the start of some bytes. Return where the next one is, and the other bytes."""
    records = csv_reader.read(data, at.next_row, Form(Encoding(at.encoding), at.separator), final=final)
    rest, next_row = data[records.byte_length :], at.next_row + len(records.rows)
    csv_reader.check_length(rest, next_row)
    if scan is not None:
        scan.add(align(records, at).rows)
    return replace(at, next_row=next_row), rest


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
    with without_cycle_search():
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


async def _write_piece(
    run: ImportRun, piece: _StagedPiece, scan: FileScan | None, so_far: _WrittenPieces
) -> _WrittenPieces:
    """Write a piece behind what was written so far, and return what is written then."""
    staged, progress = piece.staged, piece.progress
    async with run.database.write() as tx:
        direct = run.format.direct
        written = WrittenRows(so_far.carried)
        if progress.direct and direct is not None:
            rows = DirectRows(progress.columns, staged, scan, so_far.carried)
            written = await direct.write(tx, run.key, rows, run.clock())
        else:
            await copy.put(tx, run.format.staging, staged.columns, staged.rows)
        earlier = progress.problem_count + so_far.left_out - len(staged.problems)
        problems = [*staged.problems, *written.problems]
        await queries.add_problems(tx, run.store_id, run.operation_id, problems, earlier)
        if piece.report is not None:
            await reports.add(tx, run.key, piece.report)
        await reports.add_samples(tx, run.key, piece.samples)
        expected_rows = round((progress.next_row - 1) * max(run.bytes / max(progress.bytes_read, 1), 1))
        left_out = so_far.left_out + len(written.problems)
        now_written = _WrittenPieces(left_out, so_far.staged_rows + written.staged, written.carried)
        progress = now_written.added_to(progress)
        await run.checkpoint(tx, progress, progress.done, expected_rows)
    return now_written


async def _complete(run: ImportRun) -> None:
    progress = replace(run.progress, phase=Phase.MERGE)
    async with run.database.write() as tx:
        if not progress.direct or progress.staged_rows:
            await refresh_statistics(tx, run.format.staging, customers)
        progress = await run.format.complete(tx, run.key, progress, run.clock(), dry_run=run.dry_run)
        await run.checkpoint(tx, progress, progress.done, progress.rows)
    run.progress = progress
