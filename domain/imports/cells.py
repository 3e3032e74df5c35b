"""Reads the cells of a file's columns: quick for what is right, thorough for what is not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from domain.customers import values
from domain.imports.values import words
from domain.imports.values.dates import DateStyle, day, moment
from domain.imports.values.numbers import number
from domain.kit.errors import DomainError
from domain.kit.formulas import unprotected
from domain.kit.values import ValueType
from domain.operations.model import Problem, ProblemOutcome

# Returns what a cell's text says, None for nothing; raises DomainError.
Parse = Callable[[str], Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CACHED = 50_000
# Characters of a cell that its problem shows.
SHOWN = 500


class _ParseCache(dict[str, Any]):
    """The values of a column's different cells; cleared when there are too many."""

    def __init__(self, parse: Parse) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, cell: str) -> Any:
        if len(self) > _CACHED:
            self.clear()
        value = self[cell] = self._parse(cell)
        return value


def cached(parse: Parse) -> Parse:
    """Return the same reading for columns that repeat their values."""
    return _ParseCache(parse).__getitem__


def for_driver(kind: ValueType, parse: Parse, dialect: str) -> Parse:
    """Return a reading that gives its values as the database's driver takes them."""
    convert: Callable[[Any], str | int]
    match kind:
        case ValueType.BOOLEAN:
            convert = int
        case ValueType.DATE:
            convert = _isoformat
        case ValueType.DATETIME:
            # SQLite stores the microseconds since 1970.
            convert = _isoformat if dialect == "postgresql" else lambda moment: (moment - _EPOCH) // _MICROSECOND
        case ValueType.STRING | ValueType.NUMBER:
            return parse

    def read(cell: str) -> str | int | None:
        value = parse(cell)
        return None if value is None else convert(value)

    return read


def typed(kind: ValueType, dates: DateStyle) -> Parse:
    """Return a reading of values of a type, as they are written in a file."""
    match kind:
        case ValueType.STRING:
            return from_text(values.string)
        case ValueType.NUMBER:
            return either(values.number, _number)
        case ValueType.BOOLEAN:
            return either(values.boolean, words.boolean)
        case ValueType.DATE:
            return either(values.day, partial(day, style=dates))
        case ValueType.DATETIME:
            return partial(moment, style=dates)


def _number(cell: str) -> float | None:
    read = number(cell)
    return None if read is None else float(read)


def _isoformat(value: Any) -> str:
    text: str = value.isoformat()
    return text


def either(strict: Parse, lenient: Parse) -> Parse:
    """Return a reading by the quick one, and by the lenient one where that one refuses."""

    def read(cell: str) -> Any:
        try:
            return strict(cell)
        except DomainError:
            return lenient(cell)

    return read


def from_text(parse: Parse) -> Parse:
    """Return a reading of text to which exports add an apostrophe where it would be a formula."""
    return lambda cell: parse(unprotected(cell) if cell[0] == "'" else cell)


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a file: which cell of a record it is, how that is read, and its slot in the row made of it.

    `name` is the field's, `header` the one that the file has.
    """

    name: str
    cell: int
    slot: int
    parse: Parse
    header: str


@dataclass(frozen=True, slots=True)
class UnreadableCell:
    """A cell that is left out, and why."""

    column: FileColumn
    value: str
    message: str

    def problem(self, row: int, subject: bytes | None, refused: str | None = None) -> Problem:
        """Return the problem of the cell, or that of its row where that is `refused`, for a reason that is added."""
        message = f"{self.column.header}: {self.message}"
        outcome = ProblemOutcome.CELL_LEFT_OUT
        if refused is not None:
            message, outcome = f"{message}: {refused}", ProblemOutcome.ROW_REFUSED
        return Problem(row, message, subject, self.column.header, self.value[:SHOWN], outcome)


def readable(record: Sequence[str], columns: Sequence[FileColumn], row: list[Any]) -> list[UnreadableCell]:
    """Write into the row what can be read of a record, and return the cells that cannot."""
    unreadable: list[UnreadableCell] = []
    for column in columns:
        cell = record[column.cell]
        if cell:
            try:
                row[column.slot] = column.parse(cell)
            except DomainError as error:
                unreadable.append(UnreadableCell(column, cell, error.message))
    return unreadable
