"""Each dimension, each behavior and each of their attributes finds exactly whom it should, by every operator it has."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import pytest

from domain.events.log import append
from domain.events.model import Event as Happened
from domain.events.types import event_type_of
from domain.kit.db import Database
from domain.kit.values import ValueType
from domain.segments.catalogue import BehaviorEntry as Known
from domain.segments.catalogue.entries import CatalogueEntry
from domain.segments.compiler.select import customer_ids
from domain.segments.filters import (
    Aggregate,
    AttributeCondition,
    BehaviorCondition,
    Definition,
    Filter,
    Operator,
    Value,
    Window,
)
from domain.segments.language.operators import WHOLE
from domain.segments.sql.behaviors.event_fields import AbandonedField
from domain.segments.sql.behaviors.events import EventSource
from domain.segments.sql.scope import FilterScope
from tests.domain.segments import oracle
from tests.domain.segments.compiler.test_select import EVERYONE, expected
from tests.domain.segments.dimension_values import values_of
from tests.domain.segments.filter_strategies import CATALOGUE
from tests.domain.segments.persons import NOW, TIMEZONE, make_people
from tests.domain.segments.stored_people import store_people

# Of channels that nobody of the test's customers has anything of, or no address or fault.
EMPTY = {
    *(f"{kind}.{channel}" for kind in ("contact", "invalid") for channel in ("line", "whatsapp")),
    *("consent.line", "consent.whatsapp"),
}
PARTS = (Operator.CONTAINS, Operator.NOT_CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH)
CIRCLE = "25.0330,121.5654,30km"


def conditions(entry: CatalogueEntry, values_seen: Sequence[object]) -> Iterator[AttributeCondition]:
    """A condition by each operator, with values that some have."""
    values = sorted({_as_value(value) for value in values_seen if not isinstance(value, tuple)}, key=_order)
    if entry.key == "near":
        values = [CIRCLE]
    for operator in entry.operators:
        yield AttributeCondition(entry.key, operator, _values(entry, operator, values))


def _as_value(value: object) -> Value:
    return value if isinstance(value, str | int | float | date) else float(str(value))


def _order(value: Value) -> tuple[str, float | str]:
    if isinstance(value, date):
        moment = (
            value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=NOW.tzinfo)
        )
        return "at", moment.timestamp()
    return ("text", value) if isinstance(value, str) else ("number", value)


def _values(entry: CatalogueEntry, operator: Operator, values: Sequence[Value]) -> tuple[Value, ...]:
    if operator in {Operator.IS_SET, Operator.IS_NOT_SET}:
        return ()
    if operator in WHOLE:
        return (3 if operator is Operator.MONTH_IN else 7,)
    ranked = [rank for rank in entry.ranks if rank in values]
    known: Sequence[Value] = ranked if ranked and operator not in entry.operators[:4] else values
    middle = known[len(known) // 2]
    if operator in PARTS:
        return (str(middle)[:2] if operator is not Operator.ENDS_WITH else str(middle)[-2:],)
    if operator is Operator.BETWEEN:
        return (known[0], middle)
    return (middle, known[0]) if operator in {Operator.IN, Operator.NOT_IN} else (middle,)


async def _find(database: Database, store_id: int, trees: Sequence[Filter]) -> list[set[int]]:
    scope = FilterScope(store_id, TIMEZONE, NOW, database.dialect)
    async with database.read() as tx:
        results = [await tx.execute(customer_ids(Definition(tree, None), CATALOGUE, scope, {})) for tree in trees]
        return [set(rows.scalars()) for rows in results]


@pytest.mark.slow
async def test_each_dimension_finds_whom_it_should(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await store_people(tx, store_id, EVERYONE)
    live = {person.id for person in EVERYONE if person.row["deleted_at"] is None}
    for entry in CATALOGUE.dimensions.values():
        trees = list(conditions(entry, [value for person in EVERYONE for value in values_of(person, entry.key)]))
        id_sets = await _find(database, store_id, trees)
        for tree, ids in zip(trees, id_sets, strict=True):
            assert ids == expected(Definition(tree, None)), tree
        assert entry.key in EMPTY or any(ids not in (set(), live) for ids in id_sets), f"{entry.key} tells nobody apart"


@pytest.mark.slow
async def test_each_attribute_of_orders_finds_whom_it_should(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await store_people(tx, store_id, EVERYONE)
    orders = [order for person in EVERYONE for order in person.orders]
    for entry in CATALOGUE.behaviors["order"].attributes:
        order_values = [value for order in orders for value in oracle.order_values(order, entry.key)]
        narrowed = [BehaviorCondition("order", (condition,)) for condition in conditions(entry, order_values)]
        shares = [
            BehaviorCondition("order", condition.where, Aggregate.SHARE, None, Operator.GTE, (50,))
            for condition in narrowed[:2]
        ]
        trees = [*narrowed, *shares, BehaviorCondition("order", (), Aggregate.DISTINCT, entry.key, Operator.GTE, (2,))]
        id_sets = await _find(database, store_id, trees)
        for tree, ids in zip(trees, id_sets, strict=True):
            assert ids == expected(Definition(tree, None)), tree
        assert any(ids for ids in id_sets), entry.key


VALUES: dict[ValueType, tuple[Value, Value]] = {
    ValueType.STRING: ("yes", "no"),
    ValueType.NUMBER: (2, 3),
    ValueType.BOOLEAN: (True, False),
    ValueType.DATE: (date(2026, 2, 1), date(2026, 2, 2)),
}


@pytest.mark.slow
async def test_each_behavior_finds_whom_it_should(database: Database, store_id: int) -> None:
    """1 did it as asked for an hour ago, 2 otherwise and two days ago, 3 never."""
    everyone = make_people(3)
    for person in everyone:
        person.row |= {"blacklisted": False, "deleted_at": None}
        person.past_events = []
    behaviors = [behavior for behavior in CATALOGUE.behaviors.values() if isinstance(behavior.source, EventSource)]
    async with database.write() as tx:
        await store_people(tx, store_id, everyone)
        for at, ago in enumerate((timedelta(hours=1), timedelta(days=2))):
            await append(tx, store_id, [_event(behavior, at, NOW - ago) for behavior in behaviors], NOW)
    cases: list[tuple[Filter, set[int]]] = []
    for behavior in behaviors:
        cases += _cases_of(behavior)
    id_sets = await _find(database, store_id, [tree for tree, _ in cases])
    for (tree, expected_ids), ids in zip(cases, id_sets, strict=True):
        assert ids == expected_ids, tree


def _event(behavior: Known, at: int, when: datetime) -> Happened:
    subject = event_type_of(behavior.key).subject
    values = {
        entry.key: VALUES[entry.type][at]
        for entry in behavior.attributes
        if not isinstance(entry.field, AbandonedField)
    }
    attributes = {key: str(value) if isinstance(value, date) else value for key, value in values.items()}
    named = None if subject is None else str(attributes[subject])
    return Happened(f"{behavior.key}-{at}", at + 1, behavior.key, when, named, attributes)


def _cases_of(behavior: Known) -> Iterator[tuple[Filter, set[int]]]:
    yield BehaviorCondition(behavior.key), {1, 2}
    yield BehaviorCondition(behavior.key, operator=Operator.EQ, values=(0,)), {3}
    yield BehaviorCondition(behavior.key, window=Window(last_hours=24)), {1}
    yield (
        BehaviorCondition(behavior.key, aggregate=Aggregate.LAST, operator=Operator.MORE_THAN_DAYS_AGO, values=(1,)),
        {2},
    )
    for attribute in behavior.attributes:
        if not isinstance(attribute.field, AbandonedField):
            condition = AttributeCondition(attribute.key, Operator.EQ, (VALUES[attribute.type][0],))
            yield BehaviorCondition(behavior.key, (condition,)), {1}
            yield BehaviorCondition(behavior.key, (condition,), Aggregate.SHARE, None, Operator.EQ, (100,)), {1}
            yield BehaviorCondition(behavior.key, (AttributeCondition(attribute.key, Operator.IS_SET),)), {1, 2}
