"""Brings a file's records to the columns of its header, and tells what has no place there."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.imports.cells import SHOWN
from domain.imports.csv_reader import Records
from domain.imports.header import SEPARATORS, is_blank
from domain.imports.model import Progress
from domain.operations.model import Problem, ProblemOutcome

_SEPARATOR_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True)
class AlignedRows:
    """Records with a cell for each of the columns and their numbers in the file, and the problems of the others.

    `nameless` are the cells without a column's name whose values have been told.
    """

    rows: list[tuple[int, list[str]]]
    problems: list[Problem]
    nameless: list[int]


def align(records: Records, progress: Progress) -> AlignedRows:
    """Align the records behind the header, the first of which is the file's `progress.next_row`.

    Blank rows are skipped, and what a short one lacks is empty. A row whose values lie beyond the header is refused:
    a separator too many may have moved them all.
    """
    rows: list[tuple[int, list[str]]] = []
    problems: list[Problem] = []
    nameless = list(progress.nameless)
    width = progress.width or len(progress.columns)
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
                continue
            record = [*record, *[""] * (width - len(record))][:width]
        elif not record[0] and is_blank(record):
            continue
        if progress.cells:
            problems += _tell_nameless(number, record, progress.cells, nameless)
            record = [record[cell] for cell in progress.cells]
        rows.append((number, record))
    return AlignedRows(rows, problems, nameless)


def _misfit(record: Sequence[str], width: int, separator: str) -> str | None:
    if not is_blank(record[width:]):
        return f"The row has {len(record)} cells where the header has {width}"
    if len(record) == 1:
        other = next((mark for mark in SEPARATORS if mark != separator and mark in record[0]), None)
        if other is not None:
            columns = f"where the header is by {_SEPARATOR_NAMES.get(separator, repr(separator))}"
            return f"The row seems to be separated by {_SEPARATOR_NAMES[other]}, {columns}"
    return None


def _tell_nameless(number: int, record: Sequence[str], named: Sequence[int], told: list[int]) -> list[Problem]:
    """Return a problem for each cell of no column that has a value for the first time, and remember them in `told`."""
    found = [cell for cell in range(len(record)) if cell not in named and cell not in told and record[cell].strip()]
    told += found
    return [
        Problem(
            number,
            f"Column {cell + 1} has no name: its values are left out",
            value=record[cell][:SHOWN],
            outcome=ProblemOutcome.CELL_LEFT_OUT,
        )
        for cell in found
    ]
