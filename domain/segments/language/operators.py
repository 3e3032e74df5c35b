"""What an operator is compared with: how many values, of which kind, in which order."""

from collections.abc import Mapping
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
# What these compare with is not of the dimension's type: whole numbers in this range.
WHOLE: Mapping[Operator, tuple[int, int, str]] = {
    Operator.WITHIN_LAST_DAYS: (0, DAYS, "a number of days"),
    Operator.MORE_THAN_DAYS_AGO: (0, DAYS, "a number of days"),
    Operator.WITHIN_NEXT_DAYS: (0, DAYS, "a number of days"),
    Operator.IN_DAYS: (0, DAYS, "a number of days"),
    Operator.MONTH_IN: (1, 12, "a month"),
    Operator.ANNIVERSARY_IN_DAYS: (0, 366, "a number of days"),
}


def wrong_number(operator: Operator, given: int, most: int) -> tuple[str, ErrorCode] | None:
    """What is wrong with the number of values, if anything is."""
    if operator in _NO_VALUE:
        wanted = "no value" if given else None
    elif operator is Operator.BETWEEN:
        wanted = "two values" if given != 2 else None
    else:
        wanted = "a value" if not given else "one value" if given > 1 and operator not in _MANY else None
    if wanted is not None:
        return f"{operator.value} takes {wanted}", ErrorCode.INVALID if given else ErrorCode.REQUIRED
    return (f"There are {given} values: {most} at most", ErrorCode.LIMIT_EXCEEDED) if given > most else None


def measure_of(aggregate: Aggregate) -> CatalogueEntry:
    """What an aggregate gives, as something to compare."""
    timed = aggregate in {Aggregate.FIRST, Aggregate.LAST}
    return CatalogueEntry(
        key=aggregate.value,
        label=aggregate.value.lower(),
        group="",
        type=ValueType.DATETIME if timed else ValueType.NUMBER,
        operators=TIMES if timed else NUMBERS,
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
