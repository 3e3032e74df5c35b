"""What a filter means, said again in plain Python, one customer at a time."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import fmean
from uuid import UUID

from domain.segments.filters import (
    ORDERED,
    Aggregate,
    AllOf,
    AnyOf,
    AttributeCondition,
    BehaviorCondition,
    Definition,
    Filter,
    MembershipCondition,
    Not,
    Operator,
    Window,
)
from tests.domain.segments.comparisons import compare, fulfils, moment
from tests.domain.segments.dimension_values import values_of
from tests.domain.segments.persons import NOW, RANKS, Item, Order, PastEvent, Person

STORED_AS: dict[str, Callable[[str], str]] = {
    "email": str.lower,
    "email_domain": str.lower,
    "country": str.upper,
    "address.country": str.upper,
}
Segments = dict[UUID, Callable[[Person], bool]]


def matches_definition(definition: Definition, person: Person, segments: Segments) -> bool:
    if person.row["deleted_at"] is not None:
        return False
    included = definition.include is None or matches(definition.include, person, segments)
    return included and not (definition.exclude is not None and matches(definition.exclude, person, segments))


def matches(tree: Filter, person: Person, segments: Segments) -> bool:
    match tree:
        case AllOf(parts):
            return all(matches(part, person, segments) for part in parts)
        case AnyOf(parts):
            return any(matches(part, person, segments) for part in parts)
        case Not(part):
            return not matches(part, person, segments)
        case AttributeCondition():
            return _attribute(tree, person)
        case BehaviorCondition():
            return matches_behavior(tree, person)
        case MembershipCondition(segment_id, _, member):
            inside = person.listed if segment_id is None else segments[segment_id](person)
            return inside is member


def _attribute(condition: AttributeCondition, person: Person) -> bool:
    values = values_of(person, condition.dimension)
    if condition.operator in ORDERED and isinstance(condition.values[0], str):
        ranks = RANKS[condition.dimension]
        places = [ranks.index(str(value)) for value in values if value in ranks]
        operands = tuple(ranks.index(str(value)) for value in condition.values)
        return fulfils(replace(condition, values=operands), places)
    stored_as = STORED_AS.get(condition.dimension, str)
    texts = tuple(stored_as(value) if isinstance(value, str) else value for value in condition.values)
    return fulfils(replace(condition, values=texts), values)


def matches_behavior(condition: BehaviorCondition, person: Person) -> bool:
    if condition.operator is Operator.NEQ:
        return not matches_behavior(replace(condition, operator=Operator.EQ), person)
    result = _result(condition, person)
    return result is not None and compare(condition.operator, result, condition.values)


def _result(condition: BehaviorCondition, person: Person) -> object:
    times, measured = _occasions(condition, person)
    match condition.aggregate:
        case Aggregate.COUNT:
            return len(times)
        case Aggregate.FIRST:
            return min(times, default=None)
        case Aggregate.LAST:
            return max(times, default=None)
        case Aggregate.SHARE:
            everything, _ = _occasions(replace(condition, where=()), person)
            return 100 * len(times) / len(everything) if everything else None
        case Aggregate.DISTINCT:
            return len({(type(value), value) for value in measured})
        case _:
            numbers = [value for value in measured if isinstance(value, Decimal | float | int)]
            return _measure(condition.aggregate, numbers)


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
        return moment(Operator.WITHIN_LAST_DAYS, at, (window.last_days,))
    if window.last_hours is not None:
        return NOW - timedelta(hours=window.last_hours) <= at <= NOW
    return (window.since is None or at >= window.since) and (window.until is None or at < window.until)


def _occasions(condition: BehaviorCondition, person: Person) -> tuple[list[datetime], list[object]]:
    """When it was done so, and what the attribute to measure was each time."""
    return _orders(condition, person) if condition.behavior == "order" else _past_events(condition, person)


ITEM = {"product", "name", "variant", "category", "department", "brand", "quantity", "price", "tag"}


def _of_item(key: str | None) -> bool:
    return key is not None and (key in ITEM or key.startswith("facet."))


def _orders(condition: BehaviorCondition, person: Person) -> tuple[list[datetime], list[object]]:
    of_item = [attribute for attribute in condition.where if _of_item(attribute.dimension)]
    of_order = [attribute for attribute in condition.where if not _of_item(attribute.dimension)]
    times: list[datetime] = []
    measured: list[object] = []
    for order in person.orders:
        fits = order.counted and _in_window(condition.window, order.placed_at)
        items = [
            item
            for item in order.items
            if all(fulfils(attribute, item_values(item, attribute.dimension)) for attribute in of_item)
        ]
        if not fits or not all(fulfils(attribute, _own_values(order, attribute.dimension)) for attribute in of_order):
            continue
        if of_item and not items:
            continue
        times.append(order.placed_at)
        if condition.of is not None and _of_item(condition.of):
            measured += [
                min(item_values_, key=str) for item in items if (item_values_ := item_values(item, condition.of))
            ]
        elif condition.of is not None:
            measured += _own_values(order, condition.of)
    return times, measured


def item_values(item: Item, key: str) -> list[object]:
    facet = key.removeprefix("facet.")
    if facet != key or key == "tag":
        return [value for name, value in item.facets if name == facet]
    return _present(getattr(item, key))


def order_values(order: Order, key: str) -> list[object]:
    if _of_item(key):
        return [value for item in order.items for value in item_values(item, key)]
    return _own_values(order, key)


def _own_values(order: Order, key: str) -> list[object]:
    return _present(order.row["quantity" if key == "pieces" else key])


def _present(value: object) -> list[object]:
    return [] if value is None else [value]


def _past_events(condition: BehaviorCondition, person: Person) -> tuple[list[datetime], list[object]]:
    events = [
        event
        for event in person.past_events
        if event.type == condition.behavior
        and _in_window(condition.window, event.occurred_at)
        and all(_matches_event(attribute, event, person) for attribute in condition.where)
    ]
    values = [_attribute_value(event, condition.of, person) for event in events if condition.of]
    convert = _comparable if condition.aggregate is Aggregate.DISTINCT else _number
    measured = [converted for value in values if (converted := convert(value)) is not None]
    return [event.occurred_at for event in events], measured


SUBJECTS = {"visit": "product", "email.clicked": "campaign"}


def _attribute_value(event: PastEvent, key: str, person: Person) -> object:
    if SUBJECTS.get(event.type) == key:
        return event.subject
    if key == "abandoned":
        return not any(order.counted and order.placed_at >= event.occurred_at for order in person.orders)
    return event.attributes.get(key)


def _matches_event(condition: AttributeCondition, event: PastEvent, person: Person) -> bool:
    value = _attribute_value(event, condition.dimension, person)
    if condition.operator in {Operator.IS_SET, Operator.IS_NOT_SET}:
        return fulfils(condition, _present(value))
    same: tuple[type, ...] = (int, float) if type(condition.values[0]) in {int, float} else (type(condition.values[0]),)
    return fulfils(condition, [value] if type(value) in same else [])


def _number(value: object) -> object:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _comparable(value: object) -> object:
    return value if isinstance(value, bool | str | None) else _number(value)
