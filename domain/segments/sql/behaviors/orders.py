"""Conditions on orders and their items."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    cast,
    distinct,
    func,
    literal_column,
    select,
    tuple_,
    type_coerce,
)

from domain.customers.tables import customer_facts
from domain.kit.db.types import MONEY_SCALE
from domain.orders.tables import order_item_facets, order_items, orders
from domain.segments.filters import ALL_TIME, Aggregate, BehaviorCondition, Operator, Value
from domain.segments.sql.behaviors.aggregates import (
    Measure,
    RealMeasure,
    Rows,
    WholeMeasure,
    aggregate,
    counted,
    during,
    share,
)
from domain.segments.sql.behaviors.base import EventField, FieldCondition, FieldConditions, measured, row_predicates
from domain.segments.sql.columns.times import MomentColumn
from domain.segments.sql.columns.values import DOUBLE, Column, RealColumn, TextColumn, WholeColumn, intervals
from domain.segments.sql.predicates import IdSet, Predicate, RowPredicate, Selectivity, negate
from domain.segments.sql.scope import FilterScope

# The k-th last order is a column of the facts for these k.
_KTH = {
    1: customer_facts.c.last_order_at,
    2: customer_facts.c.order_2_at,
    3: customer_facts.c.order_3_at,
    4: customer_facts.c.order_4_at,
    5: customer_facts.c.order_5_at,
    10: customer_facts.c.order_10_at,
}


class OrderPart(Enum):
    ORDER = "order"
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class OrderField:
    """An attribute that is a column of an order or of its items; `scale` of a whole number's make one."""

    of: OrderPart
    stored: ColumnElement[Any]
    kind: type[TextColumn] | type[WholeColumn] | type[RealColumn] = TextColumn
    spread: Selectivity = Selectivity.LOG
    scale: int = MONEY_SCALE

    def column(self, _: FilterScope) -> Column:
        return WholeColumn(self.stored, self.scale) if self.kind is WholeColumn else self.kind(self.stored)

    def distinct_count(self, _: FilterScope) -> ColumnElement[int]:
        return func.count(distinct(self.stored))

    def measure(self, _: FilterScope) -> Measure:
        if self.kind is WholeColumn:
            return WholeMeasure(type_coerce(self.stored, BigInteger()), self.scale)
        return RealMeasure(self.stored)


@dataclass(frozen=True, slots=True)
class _FacetColumn:
    facet: str

    def matches(self, operator: Operator, values: Sequence[Value], scope: FilterScope) -> ColumnElement[bool]:
        rows = order_item_facets.c
        found = select(rows.order_id, rows.position).where(rows.store_id == scope.store_id, rows.facet == self.facet)
        if operator is not Operator.IS_SET:
            found = found.where(TextColumn(rows.value).matches(operator, values, scope))
        return tuple_(order_items.c.order_id, order_items.c.position).in_(found.correlate(None))


@dataclass(frozen=True, slots=True)
class FacetField:
    """What else an item is, of which it may be several things at once: a tag, a size."""

    facet: str
    of: OrderPart = OrderPart.ITEM
    spread: Selectivity = Selectivity.CATEGORY

    def column(self, _: FilterScope) -> Column:
        return _FacetColumn(self.facet)

    def distinct_count(self, scope: FilterScope) -> ColumnElement[int]:
        return func.count(distinct(self._first(scope)))

    def measure(self, scope: FilterScope) -> Measure:
        return RealMeasure(self._first(scope))

    def _first(self, scope: FilterScope) -> ColumnElement[Any]:
        """Of several, the first by its letters, so that an item counts once."""
        rows, item = order_item_facets.c, order_items.c
        same = (rows.order_id == item.order_id, rows.position == item.position)
        found = select(func.min(rows.value)).where(rows.store_id == scope.store_id, rows.facet == self.facet, *same)
        return found.correlate(order_items).scalar_subquery()


class OrderSource:
    """Orders that count. A condition on items asks for one item that fulfils all of them; an order counts once."""

    def leaf(self, condition: BehaviorCondition, traits: FieldConditions, scope: FilterScope) -> Predicate:
        known = _from_facts(condition, scope) if not condition.where else None
        return known or _from_orders(condition, traits, scope)


def _from_facts(condition: BehaviorCondition, scope: FilterScope) -> Predicate | None:
    """What the customer's facts answer without a look at the orders."""
    if condition.aggregate is Aggregate.COUNT and scope.since(condition.window) is not None:
        return _lately(condition, scope)
    if not condition.window.is_open or condition.of not in {None, "total"}:
        return None
    column = _FACTS.get(condition.aggregate)
    return None if column is None else RowPredicate(column.matches(condition.operator, condition.values, scope))


_SPENT = type_coerce(customer_facts.c.total_spent, BigInteger())
AVERAGE_ORDER = RealColumn(
    cast(_SPENT, DOUBLE) / cast(func.nullif(customer_facts.c.order_count, 0, type_=Integer()), DOUBLE), MONEY_SCALE
)
_FACTS: dict[Aggregate, Column] = {
    Aggregate.COUNT: WholeColumn(customer_facts.c.order_count),
    Aggregate.SUM: WholeColumn(_SPENT, MONEY_SCALE),
    Aggregate.AVERAGE: AVERAGE_ORDER,
    Aggregate.FIRST: MomentColumn(customer_facts.c.first_order_at),
    Aggregate.LAST: MomentColumn(customer_facts.c.last_order_at),
}


def _lately(condition: BehaviorCondition, scope: FilterScope) -> Predicate | None:
    """At least k, or fewer than k, orders in the last days or hours: the k-th last order is late enough, or is not."""
    allowed = intervals(condition.operator, condition.values)
    low, high = allowed[0] if allowed else (None, None)
    if low is not None and low > 0:
        return _at_least(low, condition, scope) if high is None else None
    if high is None or high < 0:
        return None
    fewer = _at_least(high + 1, condition, scope)
    return fewer and negate(fewer)


def _at_least(times: int, condition: BehaviorCondition, scope: FilterScope) -> RowPredicate | None:
    kth, start = _KTH.get(times), scope.since(condition.window)
    if kth is None or start is None:
        return None
    since = MomentColumn(kth).matches(Operator.GTE, (start,), scope)
    current = MomentColumn(customer_facts.c.last_order_at).matches(Operator.LTE, (scope.now,), scope)
    return RowPredicate(since & (current | _counted_again(times, condition, scope)))


def _counted_again(times: int, condition: BehaviorCondition, scope: FilterScope) -> ColumnElement[bool]:
    """For customers with an order in the future, which their k-th last may be: few, if any."""
    future = orders.alias("future")
    later = MomentColumn(future.c.placed_at).matches(Operator.GT, (scope.now,), scope)
    ahead = select(future.c.customer_id).where(
        future.c.store_id == scope.store_id, literal_column("future.counted"), later
    )
    rows = _orders((orders.c.customer_id.in_(ahead.correlate(None)),), condition, scope)
    found = counted(rows, [(times, None)])
    assert isinstance(found, IdSet)
    return customer_facts.c.customer_id.in_(found.ids)


def _from_orders(condition: BehaviorCondition, traits: FieldConditions, scope: FilterScope) -> Predicate:
    of_item = [each for each in traits.where if _of(each.field) is OrderPart.ITEM]
    of_order = [each for each in traits.where if _of(each.field) is OrderPart.ORDER]
    if condition.aggregate is Aggregate.SHARE:
        chosen = _chosen(of_order, of_item, scope)
        return share(_orders((), condition, scope), chosen, condition, scope)
    subject = measured(condition, traits, scope)
    by_item = traits.of is not None and _of(traits.of) is OrderPart.ITEM
    if by_item or (of_item and not of_order and condition.of is None):
        where = row_predicates(of_item, scope)
        if of_order:
            where = (*where, _of_such_orders(row_predicates(of_order, scope), scope))
        spread = min((_spread(each.field) for each in of_item), default=Selectivity.LOG)
        return aggregate(_items(where, condition, scope, spread), condition, subject, scope)
    where = (*_chosen(of_order, of_item, scope), *_often(condition, scope))
    return aggregate(_orders(where, condition, scope), condition, subject, scope)


def _often(condition: BehaviorCondition, scope: FilterScope) -> tuple[ColumnElement[bool], ...]:
    """Where facts do not answer how often, they say who is worth counting: who ordered k times since, k being less."""
    start = scope.since(condition.window) or condition.window.since
    allowed = intervals(condition.operator, condition.values) if condition.aggregate is Aggregate.COUNT else []
    if start is None or not allowed:
        return ()
    low, high = allowed[0]
    times = low if low is not None and low > 0 else (high or 0) + 1
    known = max((each for each in _KTH if each <= times), default=1)
    if known == 1:
        return ()
    since = MomentColumn(_KTH[known]).matches(Operator.GTE, (start,), scope)
    facts = customer_facts.c
    frequent = select(facts.customer_id).where(facts.store_id == scope.store_id, since)
    return (orders.c.customer_id.in_(frequent.correlate(None)),)


def _chosen(
    of_order: Sequence[FieldCondition], of_item: Sequence[FieldCondition], scope: FilterScope
) -> tuple[ColumnElement[bool], ...]:
    """What an order is to fulfil, and one of its items."""
    where = row_predicates(of_order, scope)
    return (*where, _with_such_items(row_predicates(of_item, scope), scope)) if of_item else where


def _of(trait: EventField) -> OrderPart:
    return trait.of if isinstance(trait, OrderField | FacetField) else OrderPart.ORDER


def _spread(trait: EventField) -> Selectivity:
    return trait.spread if isinstance(trait, OrderField | FacetField) else Selectivity.LOG


def _orders(where: tuple[ColumnElement[bool], ...], condition: BehaviorCondition, scope: FilterScope) -> Rows:
    windowed = during(orders.c.placed_at, condition.window, scope)
    base: tuple[ColumnElement[Any], ...] = (orders.c.store_id == scope.store_id, literal_column("orders.counted"))
    spread = Selectivity.LOG if condition.window == ALL_TIME else Selectivity.WINDOW
    return Rows(orders.c.customer_id, orders.c.placed_at, (*base, *windowed, *where), spread)


def _items(
    where: tuple[ColumnElement[bool], ...], condition: BehaviorCondition, scope: FilterScope, spread: Selectivity
) -> Rows:
    windowed = during(order_items.c.placed_at, condition.window, scope)
    base: tuple[ColumnElement[Any], ...] = (
        order_items.c.store_id == scope.store_id,
        literal_column("order_items.counted"),
    )
    rows = order_items.c
    return Rows(rows.customer_id, rows.placed_at, (*base, *windowed, *where), spread, each=rows.order_id)


def _of_such_orders(where: tuple[ColumnElement[bool], ...], scope: FilterScope) -> ColumnElement[bool]:
    found = select(orders.c.id).where(orders.c.store_id == scope.store_id, literal_column("orders.counted"), *where)
    return order_items.c.order_id.in_(found.correlate(None))


def _with_such_items(where: tuple[ColumnElement[bool], ...], scope: FilterScope) -> ColumnElement[bool]:
    found = select(order_items.c.order_id).where(
        order_items.c.store_id == scope.store_id, literal_column("order_items.counted"), *where
    )
    return orders.c.id.in_(found.correlate(None))
