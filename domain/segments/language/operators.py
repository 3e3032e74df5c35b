"""The rules of operators' values: how many, of which kind, in which order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from domain.kit.errors import ErrorCode
from domain.kit.values import ValueType
from domain.segments.catalogue.entries import NUMBERS, TIMES, CatalogueEntry
from domain.segments.filters import Aggregate, Operator, Value

DAYS = 36_500
HOURS = DAYS * 24

_NO_VALUE = {Operator.IS_SET, Operator.IS_NOT_SET}
_MANY = {
    Operator.IN,
    Operator.NOT_IN,
    Operator.CONTAINS,
    Operator.NOT_CONTAINS,
    Operator.STARTS_WITH,
    Operator.ENDS_WITH,
    Operator.MONTH_IN,
    Operator.ANNIVERSARY_IN_DAYS,
}
# These compare with whole numbers in this range, whatever the dimension's type.
WHOLE: Mapping[Operator, tuple[int, int, str]] = {
    Operator.WITHIN_LAST_DAYS: (0, DAYS, "a number of days"),
    Operator.MORE_THAN_DAYS_AGO: (0, DAYS, "a number of days"),
    Operator.WITHIN_NEXT_DAYS: (0, DAYS, "a number of days"),
    Operator.IN_DAYS: (0, DAYS, "a number of days"),
    Operator.MONTH_IN: (1, 12, "a month"),
    Operator.ANNIVERSARY_IN_DAYS: (0, 366, "a number of days"),
}


@dataclass(frozen=True, slots=True)
class WrongNumber:
    """Why so many values do not go with an operator."""

    message: str
    code: ErrorCode


def wrong_number(operator: Operator, count: int, most: int) -> WrongNumber | None:
    """Return what is wrong with the number of values; None when it is right."""
    expected = None
    if operator in _NO_VALUE:
        expected = "no value" if count else None
    elif operator is Operator.BETWEEN:
        expected = "two values" if count != 2 else None
    elif not count:
        expected = "a value"
    elif count > 1 and operator not in _MANY:
        expected = "one value"
    if expected is not None:
        return WrongNumber(f"{operator.value} takes {expected}", ErrorCode.INVALID if count else ErrorCode.REQUIRED)
    if count > most:
        return WrongNumber(f"There are {count} values: {most} at most", ErrorCode.LIMIT_EXCEEDED)
    return None


def measure_of(aggregate: Aggregate) -> CatalogueEntry:
    """Return an entry for the aggregate's result, as something to compare."""
    is_timed = aggregate in {Aggregate.FIRST, Aggregate.LAST}
    return CatalogueEntry(
        key=aggregate.value,
        label=aggregate.value.lower(),
        group="",
        type=ValueType.DATETIME if is_timed else ValueType.NUMBER,
        operators=TIMES if is_timed else NUMBERS,
    )


def in_order(entry: CatalogueEntry, values: tuple[Value, ...]) -> bool:
    match values:
        case [str() as low, str() as high]:
            return entry.ranks.index(low) <= entry.ranks.index(high)
        case [datetime(), datetime()] | [int() | float(), int() | float()]:
            return not values[0] > values[1]  # type: ignore[operator] # the two are of one type
        case [date() as low, date() as high]:
            # A day and an instant within it have no order without a zone.
            return _day(low) <= _day(high)
        case _:
            return True


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value
