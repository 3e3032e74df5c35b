"""What a filter means, said again in plain Python, one customer at a time."""

# ruff: noqa: PLR0911 - a return for each operator reads best here

from calendar import isleap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import fmean
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.segments.filters import (
    Aggregate,
    AllOf,
    AnyOf,
    Attribute,
    Behavior,
    Definition,
    Filter,
    Membership,
    Not,
    Operator,
    Value,
    Window,
)
from tests.domain.segments.world import NOW, TIMEZONE, Happening, Item, Order, Person

ZONE = ZoneInfo(TIMEZONE)
TODAY = NOW.astimezone(ZONE).date()
NEGATIVE = {
    Operator.NEQ: Operator.EQ,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_CONTAINS: Operator.CONTAINS,
    Operator.IS_NOT_SET: Operator.IS_SET,
}
STORED_AS: dict[str, Callable[[str], str]] = {"email": str.lower, "email_domain": str.lower, "country": str.upper}
Segments = dict[UUID, Callable[[Person], bool]]


def finds(definition: Definition, person: Person, segments: Segments) -> bool:
    if person.row["deleted_at"] is not None:
        return False
    included = definition.include is None or holds(definition.include, person, segments)
    return included and not (definition.exclude is not None and holds(definition.exclude, person, segments))


def holds(tree: Filter, person: Person, segments: Segments) -> bool:
    match tree:
        case AllOf(parts):
            return all(holds(part, person, segments) for part in parts)
        case AnyOf(parts):
            return any(holds(part, person, segments) for part in parts)
        case Not(part):
            return not holds(part, person, segments)
        case Attribute(dimension):
            stored_as = STORED_AS.get(dimension, str)
            wanted = tuple(stored_as(value) if isinstance(value, str) else value for value in tree.values)
            return fulfils(replace(tree, values=wanted), values_of(person, dimension))
        case Behavior():
            return behaved(tree, person)
        case Membership(segment_id, _, member):
            inside = person.listed if segment_id is None else segments[segment_id](person)
            return inside is member


def fulfils(condition: Attribute, values: Sequence[object]) -> bool:
    """Any of the values will do; a negative operator wants that none does."""
    if condition.operator in NEGATIVE:
        return not fulfils(replace(condition, operator=NEGATIVE[condition.operator]), values)
    return any(compare(condition.operator, value, condition.values) for value in values)


def values_of(person: Person, dimension: str) -> list[object]:
    row = person.row
    counted = [order for order in person.orders if order.counted]
    spent = sum((order.total for order in counted), Decimal(0))
    email, birthday = row["email"], row["birthday"]
    special: dict[str, object] = {
        "has_email": email is not None,
        "has_phone": row["phone"] is not None,
        "email_domain": str(email).partition("@")[2] if email else None,
        "age": age(birthday) if isinstance(birthday, date) else None,
        "order_count": len(counted),
        "total_spent": spent,
        "average_order_value": float(spent) / len(counted) if counted else None,
        "first_order_at": min((order.placed_at for order in counted), default=None),
        "last_order_at": max((order.placed_at for order in counted), default=None),
    }
    if dimension == "tag":
        return list(person.tags)
    if dimension.startswith("consent."):
        return [person.consents.get(dimension.removeprefix("consent."), "NOT_SUBSCRIBED")]
    found: object
    if dimension.startswith("property."):
        found = person.properties.get(dimension.removeprefix("property."))
    else:
        found = special[dimension] if dimension in special else row[dimension]
    return [] if found is None else [found]


def compare(operator: Operator, value: object, wanted: Sequence[Value]) -> bool:
    if operator is Operator.IS_SET:
        return True
    match value:
        case str():
            return _text(operator, value, [str(each) for each in wanted])
        case bool():
            return value in wanted
        case datetime():
            return _moment(operator, value, wanted)
        case date():
            return _day(operator, value, wanted)
        case Decimal():
            return _ordered(operator, value, [Decimal(str(each)) for each in wanted])
        case _:
            return _ordered(operator, value, wanted)


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


def _moment(operator: Operator, value: datetime, wanted: Sequence[Value]) -> bool:
    local = value.astimezone(ZONE).date()
    match operator:
        case Operator.WITHIN_LAST_DAYS:
            return local >= TODAY - timedelta(days=int(str(wanted[0]))) and value <= NOW
        case Operator.WITHIN_NEXT_DAYS:
            return value >= NOW and local <= TODAY + timedelta(days=int(str(wanted[0])))
        case Operator.MORE_THAN_DAYS_AGO:
            return local < TODAY - timedelta(days=int(str(wanted[0])))
        case Operator.BETWEEN:
            return _moment(Operator.GTE, value, wanted[:1]) and _moment(Operator.LTE, value, wanted[1:])
        case Operator.BEFORE:
            return _moment(Operator.LT, value, wanted)
        case Operator.AFTER:
            return _moment(Operator.GT, value, wanted)
        case _:
            # A day is compared with days, an instant with instants.
            seen = value if isinstance(wanted[0], datetime) else local
            return _ordered(operator, seen, wanted)


def behaved(condition: Behavior, person: Person) -> bool:
    if condition.operator is Operator.NEQ:
        return not behaved(replace(condition, operator=Operator.EQ), person)
    found = _orders(condition, person) if condition.behavior == "order" else _happenings(condition, person)
    times, measured = found
    match condition.aggregate:
        case Aggregate.COUNT:
            result: object = len(times)
        case Aggregate.FIRST:
            result = min(times, default=None)
        case Aggregate.LAST:
            result = max(times, default=None)
        case Aggregate.DISTINCT:
            result = len({(type(each), each) for each in measured})
        case _:
            result = _measure(condition.aggregate, [each for each in measured if isinstance(each, Decimal | float)])
    return result is not None and compare(condition.operator, result, condition.values)


def _measure(aggregate: Aggregate, numbers: Sequence[Decimal | float]) -> object:
    if aggregate is Aggregate.SUM:
        return sum(numbers, numbers[0] * 0) if numbers else 0
    if not numbers:
        return None
    if aggregate is Aggregate.AVERAGE:
        return fmean(numbers)
    return min(numbers) if aggregate is Aggregate.MIN else max(numbers)


def _in_window(window: Window, at: datetime) -> bool:
    if window.last_days is not None:
        return _moment(Operator.WITHIN_LAST_DAYS, at, (window.last_days,))
    return (window.since is None or at >= window.since) and (window.until is None or at < window.until)


ITEM = {"product", "name", "category", "brand", "quantity", "price"}


def _orders(condition: Behavior, person: Person) -> tuple[list[datetime], list[object]]:
    """When such orders were placed, and what the attribute to measure is of each, or of each such item."""
    of_item = [each for each in condition.where if each.dimension in ITEM]
    of_order = [each for each in condition.where if each.dimension not in ITEM]
    times: list[datetime] = []
    measured: list[object] = []
    for order in person.orders:
        fits = order.counted and _in_window(condition.window, order.placed_at) and _all(of_order, order)
        items = [item for item in order.items if _all(of_item, item)]
        if not fits or (of_item and not items):
            continue
        times.append(order.placed_at)
        subjects: Iterable[Order | Item] = items if condition.of in ITEM else [order]
        measured += [getattr(each, condition.of) for each in subjects if condition.of]
    return times, [each for each in measured if each is not None]


def _all(conditions: Sequence[Attribute], subject: Order | Item) -> bool:
    return all(fulfils(each, _present(getattr(subject, each.dimension))) for each in conditions)


def _present(value: object) -> list[object]:
    return [] if value is None else [value]


def _happenings(condition: Behavior, person: Person) -> tuple[list[datetime], list[object]]:
    found = [each for each in person.happenings if each.type == condition.behavior and _fits(condition, each)]
    said = [each.attributes.get(condition.of) for each in found if condition.of]
    numbers = condition.aggregate is not Aggregate.DISTINCT
    kept = [_number(each) for each in said] if numbers else [_comparable(each) for each in said]
    return [each.occurred_at for each in found], [each for each in kept if each is not None]


def _fits(condition: Behavior, each: Happening) -> bool:
    return _in_window(condition.window, each.occurred_at) and all(_says(one, each) for one in condition.where)


def _says(condition: Attribute, happening: Happening) -> bool:
    value = happening.attributes.get(condition.dimension)
    if condition.operator in {Operator.IS_SET, Operator.IS_NOT_SET}:
        return fulfils(condition, _present(value))
    same: tuple[type, ...] = (int, float) if type(condition.values[0]) in {int, float} else (type(condition.values[0]),)
    return fulfils(condition, [value] if type(value) in same else [])


def _number(value: object) -> object:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _comparable(value: object) -> object:
    return value if isinstance(value, bool | str | None) else _number(value)
