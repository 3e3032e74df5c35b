"""What a cell says of a customer, for each kind of column that segments compare."""

from calendar import isleap
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, type_coerce

from domain.lists.export.files import Cell
from domain.segments.sql.columns.bands import BandColumn
from domain.segments.sql.columns.phones import CALLING_CODES, CallingCodeColumn
from domain.segments.sql.columns.times import AgeColumn, DayColumn, MomentColumn
from domain.segments.sql.columns.values import Column, FlagColumn, Interval, RealColumn, TextColumn, WholeColumn
from domain.segments.sql.scope import FilterScope

Say: TypeAlias = Callable[[Any], Cell]
Value: TypeAlias = tuple[ColumnElement[Any], Say]


def value_of(column: Column, scope: FilterScope) -> Value | None:
    """A column's expression, and what a cell says for what it gives; None where it has no value of its own."""
    found: Value | None = None
    match column:
        case TextColumn(expression):
            found = expression, str
        case FlagColumn(expression):
            found = expression, bool
        case WholeColumn(expression, scale):
            found = type_coerce(expression, BigInteger()), lambda raw: scaled(raw, scale)
        case RealColumn(expression, scale):
            found = expression, lambda raw: float(raw) / scale
        case DayColumn(expression) | MomentColumn(expression):
            found = expression, _itself
        case _:
            found = _derived(column, scope)
    return found


def _derived(column: Column, scope: FilterScope) -> Value | None:
    """Of columns that say something else than they hold."""
    found: Value | None = None
    match column:
        case AgeColumn(birthday):
            found = birthday, lambda born: age(born, scope.today)
        case BandColumn(expression, bands):
            found = expression, lambda raw: band(raw, bands)
        case CallingCodeColumn(phone):
            found = phone, calling_code
        case _:
            pass
    return found


def scaled(raw: int, scale: int) -> Cell:
    return raw if scale == 1 else Decimal(raw) / scale


def age(born: date, today: date) -> int | None:
    """Full years, as segments count them: in common years, who was born on a 29th of February ages on the 28th."""
    day = min(born.day, 28) if born.month == 2 and not isleap(today.year) else born.day
    years = today.year - born.year - ((today.month, today.day) < (born.month, day))
    return years if years >= 0 else None


def band(raw: int, bands: Mapping[str, Interval]) -> str | None:
    """The name of the range that the number is in."""
    within = (
        name for name, (low, high) in bands.items() if (low is None or raw >= low) and (high is None or raw <= high)
    )
    return next(within, None)


def calling_code(phone: str) -> str | None:
    return next((phone[:length] for length in (2, 3, 4) if phone[:length] in CALLING_CODES), None)


def _itself(raw: Cell) -> Cell:
    return raw
