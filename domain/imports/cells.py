"""Reads cells: one check a column, quick for what is right, thorough for what is not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from domain.customers import values
from domain.kit.errors import DomainError

Cell = str | int | float | None
Check = Callable[[str], Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REMEMBERED = 50_000


class Memory(dict[str, Any]):
    """What each of a column's few different cells says."""

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check

    def __missing__(self, cell: str) -> Any:
        if len(self) > _REMEMBERED:
            self.clear()
        value = self[cell] = self._check(cell)
        return value


def remembered(check: Check) -> Check:
    return Memory(check).__getitem__


def day(cell: str) -> str | None:
    value = values.day(cell)
    return None if value is None else value.isoformat()


def flag(cell: str) -> int | None:
    value = values.boolean(cell)
    return None if value is None else int(value)


def instant(dialect: str) -> Check:
    """As the database takes it: ISO 8601, or microseconds since 1970."""

    def read(cell: str) -> Cell:
        value = values.instant(cell)
        if value is None:
            return None
        if dialect == "postgresql":
            return value.isoformat()
        past = value - _EPOCH
        return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds

    return read


def short(longest: int) -> Check:
    def read(cell: str) -> str | None:
        if len(cell) <= longest and cell.isprintable() and cell[0] != " " and cell[-1] != " ":
            return cell
        return values.text(cell, longest)

    return read


@dataclass(frozen=True, slots=True)
class CellReader:
    """Which cell of a record goes where in what is made of it."""

    name: str
    cell: int
    slot: int
    check: Check


def faults(record: Sequence[str], columns: Sequence[CellReader]) -> str:
    """All that is wrong with a row's cells."""
    said: list[str] = []
    for column in columns:
        cell = record[column.cell]
        if cell:
            try:
                column.check(cell)
            except DomainError as error:
                said.append(f"{column.name}: {error.message}")
    return "; ".join(said)


def wrong_width(record: Sequence[str], width: int) -> str:
    return f"has {len(record)} cells where the header has {width}"
