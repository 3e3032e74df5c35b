"""Turns a workbook into pieces of CSV, which are staged as those of any file are: a row has the sheet's number."""

import asyncio
import csv
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from io import StringIO
from itertools import islice
from tempfile import TemporaryFile
from typing import IO

from domain.imports import queries
from domain.imports.csv_reader import MAX_RECORD, Unreadable
from domain.imports.encodings import Encoding
from domain.imports.format import ImportFormat
from domain.imports.header import MAX_COLUMNS, Header, is_blank, read_header
from domain.imports.import_run import ImportRun
from domain.imports.model import MAX_PROBLEMS, PIECE_BYTES, ImportOptions, Phase
from domain.imports.xlsx.archive import UnpackedEnough
from domain.imports.xlsx.sheet import SheetRow
from domain.imports.xlsx.workbook import read_rows
from domain.kit.formulas import protected
from domain.operations.model import Problem, ProblemOutcome

# What separates the cells of the CSV that workbooks become.
SEPARATOR = ","
# One cell more than a file may have, so that too many of them are seen and do not cost.
WIDTH = MAX_COLUMNS + 1
# CSV that a workbook becomes, for each of its bytes and beyond the first ones: its cells may share one long text.
_MAX_RATIO = 100
FREE = 64 << 20
# A header that is farther away is looked for by the worker.
_HEADER_ROWS = 100
_HEADER_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class ConvertedPiece:
    """A piece of CSV, and the first problems of its rows' cells, of which there are `problem_count`."""

    content: bytes
    problems: list[Problem]
    problem_count: int


def check_workbook(file: IO[bytes], file_format: ImportFormat, options: ImportOptions) -> Header | None:
    """Return the header of a workbook, None for one that lies too deep in it.

    Raise DomainError when this is no workbook, or one whose sheet does not begin as files of the format do.
    """
    text = StringIO()
    try:
        with closing(_lines(read_rows(file, WIDTH, _HEADER_BYTES))) as lines:
            for line in islice(lines, _HEADER_ROWS):
                text.write(line.text)
                if text.tell() > PIECE_BYTES:
                    break
    except UnpackedEnough:
        return None
    start = text.getvalue().encode()[:PIECE_BYTES]
    return read_header(start, Encoding.UTF_8, file_format, options, SEPARATOR)


async def convert(run: ImportRun) -> None:
    """Replace the pieces of the workbook by those of its CSV. Raise Unreadable when it cannot be read.

    It begins anew where another worker stopped: a sheet can be read from its start alone.
    """
    workbook_pieces = run.progress.workbook_pieces
    progress = replace(run.progress, piece=workbook_pieces, bytes_read=0, problem_count=0, cells_left_out=0)
    async with run.database.write() as tx:
        await queries.delete_pieces(tx, run.store_id, run.operation_id, after=workbook_pieces)
        await queries.delete_problems(tx, run.store_id, run.operation_id)
        await run.checkpoint(tx, progress, 0, None)
    with TemporaryFile() as file:
        most = FREE + _MAX_RATIO * await _put_together(run, file)
        pieces = csv_pieces(read_rows(file, WIDTH))
        try:
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                earlier = progress.problem_count
                progress = replace(
                    progress,
                    piece=progress.piece + 1,
                    bytes_read=progress.bytes_read + len(piece.content),
                    problem_count=earlier + piece.problem_count,
                    cells_left_out=earlier + piece.problem_count,
                )
                if progress.bytes_read > most:
                    raise Unreadable(f"The sheet's text is more than {_MAX_RATIO} times the workbook: save it as CSV")
                async with run.database.write() as tx:
                    # First, for it says whether the import is still wanted.
                    await run.checkpoint(tx, progress, 0, None)
                    await queries.add_problems(tx, run.store_id, run.operation_id, piece.problems, earlier)
                    await queries.add_piece(tx, run.store_id, run.operation_id, progress.piece, piece.content)
        finally:
            # Of a worker that is told to stop, a thread may be at the next piece.
            with suppress(ValueError):
                pieces.close()
    run.bytes = progress.bytes_read
    progress = replace(
        progress,
        phase=Phase.STAGE,
        piece=workbook_pieces + 1,
        bytes_read=0,
        encoding=Encoding.UTF_8.value,
        separator=SEPARATOR,
    )
    async with run.database.write() as tx:
        await queries.delete_pieces(tx, run.store_id, run.operation_id, upto=workbook_pieces)
        await run.checkpoint(tx, progress, 0, None)
    run.progress = progress


async def _put_together(run: ImportRun, file: IO[bytes]) -> int:
    """Write the pieces of the workbook into the file, and return its length."""
    size = 0
    for number in range(1, run.progress.workbook_pieces + 1):
        async with run.database.read() as tx:
            content = await queries.piece(tx, run.store_id, run.operation_id, number)
        if content is None:
            raise Unreadable("A part of the file is missing: send it again")
        size += await asyncio.to_thread(file.write, content)
    return size


@dataclass(frozen=True, slots=True)
class _Line:
    """A row as CSV, behind the empty lines of those that have no value."""

    text: str
    row: SheetRow


def _lines(rows: Generator[SheetRow]) -> Generator[_Line]:
    buffer = StringIO()
    writer = csv.writer(buffer, delimiter=SEPARATOR)
    last = 0
    for row in rows:
        buffer.write("\r\n" * (row.number - last - 1))
        # Of CSV's apostrophes one is taken off where it may be that of an export; a workbook's are its own.
        writer.writerow([protected(cell) if cell[:1] == "'" else cell for cell in row.cells])
        yield _Line(buffer.getvalue(), row)
        buffer.seek(0)
        buffer.truncate()
        last = row.number


def csv_pieces(rows: Generator[SheetRow]) -> Generator[ConvertedPiece]:
    """Yield the rows' CSV, and a problem for each cell that has an error of the spreadsheet in place of a value."""
    buffer = bytearray()
    problems: list[Problem] = []
    count = 0
    header: list[str] = []
    for line in _lines(rows):
        row = line.row
        if not header and not is_blank(row.cells):
            header = row.cells
        encoded = line.text.encode()
        if len(encoded.lstrip(b"\r\n")) > MAX_RECORD:
            raise Unreadable("The row is longer than 1 MiB", row.number)
        buffer += encoded
        count += len(row.errors)
        told = islice(row.errors.items(), MAX_PROBLEMS - len(problems))
        problems += [_error(row.number, position, value, header) for position, value in told]
        while len(buffer) >= PIECE_BYTES:
            yield ConvertedPiece(bytes(buffer[:PIECE_BYTES]), problems, count)
            problems, count = [], 0
            del buffer[:PIECE_BYTES]
    if buffer:
        yield ConvertedPiece(bytes(buffer), problems, count)


def _error(row: int, position: int, value: str, header: list[str]) -> Problem:
    column = header[position] if position < len(header) else None
    message = "An error of the spreadsheet is no value: the cell is read as empty"
    return Problem(row, message, column=column, value=value, outcome=ProblemOutcome.CELL_LEFT_OUT)
