"""Brings a file's records to the columns of its header, and tells what has no place there."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.imports.csv_reader import Records
from domain.imports.header import SEPARATORS, is_blank
from domain.imports.model import Progress
from domain.operations.model import Problem, ProblemOutcome

# A number with an apostrophe before it, which keeps its digits in spreadsheets: an id, a postcode, a phone number.
_NUMBER = re.compile(r"'[+]?[0-9]", re.ASCII)
_SEPARATOR_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True)
class AlignedRows:
    """Records with a cell for each of the columns and their numbers in the file, and the problems of the others.

    `nameless` are the cells without a column's name whose values have been told, and `refused` is the number of rows
    that are left out.
    """

    rows: list[tuple[int, list[str]]]
    problems: list[Problem]
    nameless: list[int]
    refused: int


def align(records: Records, progress: Progress) -> AlignedRows:
    """Align the records behind the header, the first of which is the file's `progress.next_row`.

    Blank rows are skipped, and what a short one lacks is empty. A row whose values lie beyond the header is refused:
    a separator too many may have moved them all.
    """
    rows: list[tuple[int, list[str]]] = []
    problems: list[Problem] = []
    refused = 0
    nameless = list(progress.nameless)
    width = progress.width or len(progress.columns)
    project = _projection(progress, width)
    # Cells whose values have to be told: few of them, and mostly none.
    untold = sorted({*range(width)} - _told_cells(progress) - {*nameless}) if progress.cells else []
    for number, cells in enumerate(records.rows, progress.next_row):
        record = cells
        if number <= progress.header_row:
            continue
        if len(record) != width:
            fault = records.faults.get(number - progress.next_row)
            if fault is None and is_blank(record):
                continue
            fault = fault or _misfit(record, width, progress.separator)
            if fault is not None:
                problems.append(Problem(number, fault, outcome=ProblemOutcome.ROW_REFUSED))
                refused += 1
                continue
            record = [*record, *[""] * (width - len(record))][:width]
        elif not record[0] and is_blank(record):
            continue
        if progress.apostrophes:
            record = [cell[1:] if _NUMBER.match(cell) else cell for cell in record]
        for cell in [cell for cell in untold if record[cell].strip()]:
            untold.remove(cell)
            nameless.append(cell)
            message = f"Column {cell + 1} has no name: its values are left out"
            problems.append(Problem(number, message, outcome=ProblemOutcome.NOTICE))
        rows.append((number, project(record)))
    return AlignedRows(rows, problems, nameless, refused)


def _told_cells(progress: Progress) -> set[int]:
    """Return the cells of columns with names."""
    composed = {cell.cell for field in progress.composed for cell in field.cells}
    return {*progress.cells, *progress.left_out, *composed}


def _projection(progress: Progress, width: int) -> Callable[[list[str]], list[str]]:
    """Return what makes the values of the fields of a row's cells."""
    cells = progress.cells
    if not cells or (not progress.composed and list(cells) == list(range(width))):
        return lambda record: record
    if not progress.composed:
        return lambda record: [record[cell] for cell in cells]
    positions = {name: position for position, name in enumerate(progress.columns)}
    composed = [(positions[field.field], field.read) for field in progress.composed]

    def project(record: list[str]) -> list[str]:
        values = [record[cell] for cell in cells]
        for position, read in composed:
            values[position] = read(record)
        return values

    return project


def _misfit(record: Sequence[str], width: int, separator: str) -> str | None:
    if not is_blank(record[width:]):
        return f"The row has {len(record)} cells where the header has {width}"
    if len(record) == 1:
        other = next((mark for mark in SEPARATORS if mark != separator and mark in record[0]), None)
        if other is not None:
            columns = f"where the header is by {_SEPARATOR_NAMES.get(separator, repr(separator))}"
            return f"The row seems to be separated by {_SEPARATOR_NAMES[other]}, {columns}"
    return None
