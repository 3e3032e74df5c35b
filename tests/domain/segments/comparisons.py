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


def compare(operator: Operator, value: object, operands: Sequence[Value]) -> bool:
    if operator is Operator.IS_SET:
        return True
    match value:
        case str():
            return _text(operator, value, [str(operand) for operand in operands])
        case bool():
            return value in operands
        case datetime():
            return moment(operator, value, operands)
        case date():
            return _day(operator, value, operands)
        case (float() as latitude, float() as longitude):
            return any(_near(latitude, longitude, str(operand)) for operand in operands)
        case Decimal():
            return _ordered(operator, value, [Decimal(str(operand)) for operand in operands])
        case _:
            return _ordered(operator, value, operands)


def _near(latitude: float, longitude: float, circle: str) -> bool:
    """By the haversine formula."""
    to_latitude, to_longitude, radius = (float(number.removesuffix("km")) for number in circle.split(","))
    north, east = radians(to_latitude - latitude), radians(to_longitude - longitude)
    half = sin(north / 2) ** 2 + cos(radians(latitude)) * cos(radians(to_latitude)) * sin(east / 2) ** 2
    return 2 * 6371.01 * asin(sqrt(half)) <= radius


def _text(operator: Operator, value: str, operands: Sequence[str]) -> bool:
    if operator in {Operator.EQ, Operator.IN}:
        return value in operands
    tests: dict[Operator, Callable[[str, str], bool]] = {
        Operator.CONTAINS: str.__contains__,
        Operator.STARTS_WITH: str.startswith,
        Operator.ENDS_WITH: str.endswith,
    }
    return any(tests[operator](ascii_lower(value), ascii_lower(operand)) for operand in operands)


def ascii_lower(text: str) -> str:
    return "".join(char.lower() if "A" <= char <= "Z" else char for char in text)


def _ordered(operator: Operator, value: object, operands: Sequence[object]) -> bool:
    # The values of one comparison are of one type, which the tree's own reader has seen to.
    tests: dict[Operator, Callable[[], object]] = {
        Operator.EQ: lambda: value == operands[0],
        Operator.IN: lambda: value in operands,
        Operator.LT: lambda: value < operands[0],  # type: ignore[operator]
        Operator.LTE: lambda: value <= operands[0],  # type: ignore[operator]
        Operator.GT: lambda: value > operands[0],  # type: ignore[operator]
        Operator.GTE: lambda: value >= operands[0],  # type: ignore[operator]
        Operator.BETWEEN: lambda: operands[0] <= value <= operands[1],  # type: ignore[operator]
    }
    return bool(tests[operator]())


def _day(operator: Operator, value: date, operands: Sequence[Value]) -> bool:
    days = (value - TODAY).days
    match operator:
        case Operator.WITHIN_LAST_DAYS:
            return -int(str(operands[0])) <= days <= 0
        case Operator.IN_DAYS:
            return days == operands[0]
        case Operator.WITHIN_NEXT_DAYS:
            return 0 <= days <= int(str(operands[0]))
        case Operator.MORE_THAN_DAYS_AGO:
            return days < -int(str(operands[0]))
        case Operator.MONTH_IN:
            return value.month in operands
        case Operator.ANNIVERSARY_IN_DAYS:
            then = [TODAY + timedelta(days=int(str(days))) for days in operands]
            return any(anniversary(value, day.year) == day for day in then)
        case Operator.BEFORE:
            return _ordered(Operator.LT, value, operands)
        case Operator.AFTER:
            return _ordered(Operator.GT, value, operands)
        case _:
            return _ordered(operator, value, operands)


def anniversary(day: date, year: int) -> date:
    leap_day = (day.month, day.day) == (2, 29) and not isleap(year)
    return date(year, 2, 28) if leap_day else date(year, day.month, day.day)


def age(birthday: date) -> int:
    return TODAY.year - birthday.year - (anniversary(birthday, TODAY.year) > TODAY)


def moment(operator: Operator, value: datetime, operands: Sequence[Value]) -> bool:
    local = value.astimezone(ZONE).date()
    match operator:
        case Operator.WITHIN_LAST_DAYS:
            return local >= TODAY - timedelta(days=int(str(operands[0]))) and value <= NOW
        case Operator.IN_DAYS:
            return local == TODAY + timedelta(days=int(str(operands[0])))
        case Operator.WITHIN_NEXT_DAYS:
            return value >= NOW and local <= TODAY + timedelta(days=int(str(operands[0])))
        case Operator.MORE_THAN_DAYS_AGO:
            return local < TODAY - timedelta(days=int(str(operands[0])))
        case Operator.BETWEEN:
            return moment(Operator.GTE, value, operands[:1]) and moment(Operator.LTE, value, operands[1:])
        case Operator.BEFORE:
            return moment(Operator.LT, value, operands)
        case Operator.AFTER:
            return moment(Operator.GT, value, operands)
        case _:
            # A day is compared with days, an instant with instants.
            comparable = value if isinstance(operands[0], datetime) else local
            return _ordered(operator, comparable, operands)
