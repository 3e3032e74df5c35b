"""Reads the cells of a file's columns: quick for what is right, thorough for what is not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.kit.errors import DomainError
from domain.kit.values import ValueType

# Returns what a cell's text says, None for nothing; raises DomainError.
Parse = Callable[[str], Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CACHED = 50_000


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


def _isoformat(value: Any) -> str:
    text: str = value.isoformat()
    return text


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a file: which cell of a record it is, how that is read, and its slot in the row made of it."""

    name: str
    cell: int
    slot: int
    parse: Parse


def cell_errors(record: Sequence[str], columns: Sequence[FileColumn]) -> str:
    """Return all that is wrong with a record's cells, in one line."""
    messages: list[str] = []
    for column in columns:
        cell = record[column.cell]
        if cell:
            try:
                column.parse(cell)
            except DomainError as error:
                messages.append(f"{column.name}: {error.message}")
    return "; ".join(messages)
