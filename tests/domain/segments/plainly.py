"""Comparing one value with those of a condition, said again in plain Python."""

# ruff: noqa: PLR0911 - a return for each operator reads best here

from calendar import isleap
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import asin, cos, radians, sin, sqrt
from zoneinfo import ZoneInfo

from domain.segments.filters import AttributeCondition, Operator, Value
from tests.domain.segments.persons import NOW, TIMEZONE

ZONE = ZoneInfo(TIMEZONE)
TODAY = NOW.astimezone(ZONE).date()
NEGATIVE = {
    Operator.NEQ: Operator.EQ,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_CONTAINS: Operator.CONTAINS,
    Operator.IS_NOT_SET: Operator.IS_SET,
}


def fulfils(condition: AttributeCondition, values: Sequence[object]) -> bool:
    """Any of the values will do; a negative operator wants that none does."""
    if condition.operator in NEGATIVE:
        return not fulfils(replace(condition, operator=NEGATIVE[condition.operator]), values)
    return any(compare(condition.operator, value, condition.values) for value in values)


def compare(operator: Operator, value: object, wanted: Sequence[Value]) -> bool:
    if operator is Operator.IS_SET:
        return True
    match value:
        case str():
            return _text(operator, value, [str(each) for each in wanted])
        case bool():
            return value in wanted
        case datetime():
            return moment(operator, value, wanted)
        case date():
            return _day(operator, value, wanted)
        case (float() as latitude, float() as longitude):
            return any(_near(latitude, longitude, str(each)) for each in wanted)
        case Decimal():
            return _ordered(operator, value, [Decimal(str(each)) for each in wanted])
        case _:
            return _ordered(operator, value, wanted)


def _near(latitude: float, longitude: float, circle: str) -> bool:
    """By the haversine formula."""
    to_latitude, to_longitude, radius = (float(each.removesuffix("km")) for each in circle.split(","))
    north, east = radians(to_latitude - latitude), radians(to_longitude - longitude)
    half = sin(north / 2) ** 2 + cos(radians(latitude)) * cos(radians(to_latitude)) * sin(east / 2) ** 2
    return 2 * 6371.01 * asin(sqrt(half)) <= radius


def _text(operator: Operator, value: str, wanted: Sequence[str]) -> bool:
    if operator in {Operator.EQ, Operator.IN}:
        return value in wanted
    tests: dict[Operator, Callable[[str, str], bool]] = {
        Operator.CONTAINS: str.__contains__,
        Operator.STARTS_WITH: str.startswith,
        Operator.ENDS_WITH: str.endswith,
    }
    return any(tests[operator](ascii_lower(value), ascii_lower(each)) for each in wanted)


def ascii_lower(text: str) -> str:
    return "".join(char.lower() if "A" <= char <= "Z" else char for char in text)


def _ordered(operator: Operator, value: object, wanted: Sequence[object]) -> bool:
    # The values of one comparison are of one type, which the tree's own reader has seen to.
    tests: dict[Operator, Callable[[], object]] = {
        Operator.EQ: lambda: value == wanted[0],
        Operator.IN: lambda: value in wanted,
        Operator.LT: lambda: value < wanted[0],  # type: ignore[operator]
        Operator.LTE: lambda: value <= wanted[0],  # type: ignore[operator]
        Operator.GT: lambda: value > wanted[0],  # type: ignore[operator]
        Operator.GTE: lambda: value >= wanted[0],  # type: ignore[operator]
        Operator.BETWEEN: lambda: wanted[0] <= value <= wanted[1],  # type: ignore[operator]
    }
    return bool(tests[operator]())


def _day(operator: Operator, value: date, wanted: Sequence[Value]) -> bool:
    days = (value - TODAY).days
    match operator:
        case Operator.WITHIN_LAST_DAYS:
            return -int(str(wanted[0])) <= days <= 0
        case Operator.IN_DAYS:
            return days == wanted[0]
        case Operator.WITHIN_NEXT_DAYS:
            return 0 <= days <= int(str(wanted[0]))
        case Operator.MORE_THAN_DAYS_AGO:
            return days < -int(str(wanted[0]))
        case Operator.MONTH_IN:
            return value.month in wanted
        case Operator.ANNIVERSARY_IN_DAYS:
            then = [TODAY + timedelta(days=int(str(each))) for each in wanted]
            return any(anniversary(value, day.year) == day for day in then)
        case Operator.BEFORE:
            return _ordered(Operator.LT, value, wanted)
        case Operator.AFTER:
            return _ordered(Operator.GT, value, wanted)
        case _:
            return _ordered(operator, value, wanted)


def anniversary(day: date, year: int) -> date:
    leap_day = (day.month, day.day) == (2, 29) and not isleap(year)
    return date(year, 2, 28) if leap_day else date(year, day.month, day.day)


def age(birthday: date) -> int:
    return TODAY.year - birthday.year - (anniversary(birthday, TODAY.year) > TODAY)


def moment(operator: Operator, value: datetime, wanted: Sequence[Value]) -> bool:
    local = value.astimezone(ZONE).date()
    match operator:
        case Operator.WITHIN_LAST_DAYS:
            return local >= TODAY - timedelta(days=int(str(wanted[0]))) and value <= NOW
        case Operator.IN_DAYS:
            return local == TODAY + timedelta(days=int(str(wanted[0])))
        case Operator.WITHIN_NEXT_DAYS:
            return value >= NOW and local <= TODAY + timedelta(days=int(str(wanted[0])))
        case Operator.MORE_THAN_DAYS_AGO:
            return local < TODAY - timedelta(days=int(str(wanted[0])))
        case Operator.BETWEEN:
            return moment(Operator.GTE, value, wanted[:1]) and moment(Operator.LTE, value, wanted[1:])
        case Operator.BEFORE:
            return moment(Operator.LT, value, wanted)
        case Operator.AFTER:
            return moment(Operator.GT, value, wanted)
        case _:
            # A day is compared with days, an instant with instants.
            seen = value if isinstance(wanted[0], datetime) else local
            return _ordered(operator, seen, wanted)
