"""Conditions on orders and their items."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    case,
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
    having,
    having_share,
    in_window,
)
from domain.segments.sql.behaviors.base import (
    EventField,
    FieldCondition,
    FieldConditions,
    aggregate_argument,
    where_clauses,
)
from domain.segments.sql.columns.times import MomentColumn
from domain.segments.sql.columns.values import DOUBLE, Column, RealColumn, TextColumn, WholeColumn, intervals
from domain.segments.sql.predicates import IdSet, Predicate, RowPredicate, Selectivity, membership, negate
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
    """An attribute that is a column of an order or of its items; `scale` units of a whole number make one."""

    of: OrderPart
    stored: ColumnElement[Any]
    kind: type[TextColumn] | type[WholeColumn] | type[RealColumn] = TextColumn
    selectivity: Selectivity = Selectivity.LOG
    scale: int = MONEY_SCALE

    def column(self, _: FilterScope) -> Column:
        return WholeColumn(self.stored, self.scale) if self.kind is WholeColumn else self.kind(self.stored)

    def distinct_count(self, _: FilterScope) -> ColumnElement[int]:
        return func.count(distinct(self.stored))

    def measure(self, scope: FilterScope) -> Measure:
        if self.kind is WholeColumn:
            return WholeMeasure(type_coerce(self.stored, BigInteger()), self.scale, scope.dialect)
        return RealMeasure(self.stored)


@dataclass(frozen=True, slots=True)
class _FacetColumn:
    facet: str

    def matches(self, operator: Operator, values: Sequence[Value], scope: FilterScope) -> ColumnElement[bool]:
        rows = order_item_facets.c
        key = (rows.customer_id, rows.order_id, rows.position)
        items = select(*key).where(rows.store_id == scope.store_id, rows.facet == self.facet)
        if operator is not Operator.IS_SET:
            items = items.where(TextColumn(rows.value).matches(operator, values, scope))
        item = order_items.c
        return tuple_(item.customer_id, item.order_id, item.position).in_(items.correlate(None))

    def value(self, _: FilterScope) -> None:
        """An item may have several values: none of them is the one."""


@dataclass(frozen=True, slots=True)
class FacetField:
    """An attribute of which an item may have several values at once: a tag, a size."""

    facet: str
    of: OrderPart = OrderPart.ITEM
    selectivity: Selectivity = Selectivity.CATEGORY

    def column(self, _: FilterScope) -> Column:
        return _FacetColumn(self.facet)

    def distinct_count(self, scope: FilterScope) -> ColumnElement[int]:
        return func.count(distinct(self._first(scope)))

    def measure(self, scope: FilterScope) -> Measure:
        return RealMeasure(self._first(scope))

    def _first(self, scope: FilterScope) -> ColumnElement[Any]:
        """Return the first of an item's values by their letters, so that the item counts once."""
        rows, item = order_item_facets.c, order_items.c
        same = (
            rows.customer_id == item.customer_id,
            rows.order_id == item.order_id,
            rows.position == item.position,
        )
        first = select(func.min(rows.value)).where(rows.store_id == scope.store_id, rows.facet == self.facet, *same)
        return first.correlate(order_items).scalar_subquery()


class OrderSource:
    """Orders that count. A condition on items asks for one item that fulfils all of them; an order counts once."""

    def predicate(self, condition: BehaviorCondition, fields: FieldConditions, scope: FilterScope) -> Predicate:
        facts = _facts_predicate(condition, scope) if not condition.where else None
        if facts is not None:
            return facts
        of_item = [narrowed for narrowed in fields.where if _part_of(narrowed.field) is OrderPart.ITEM]
        of_order = [narrowed for narrowed in fields.where if _part_of(narrowed.field) is OrderPart.ORDER]
        if condition.aggregate is Aggregate.SHARE:
            clauses = _order_clauses(of_order, of_item, scope)
            return having_share(_order_rows((), condition, scope), clauses, condition, scope)
        argument = aggregate_argument(condition, fields, scope)
        by_item = fields.of is not None and _part_of(fields.of) is OrderPart.ITEM
        if by_item or (of_item and not of_order and condition.of is None):
            return having(_item_rows(of_order, of_item, condition, scope), condition, argument, scope)
        clauses = (*_order_clauses(of_order, of_item, scope), *_frequent_buyers(condition, scope))
        return having(_order_rows(clauses, condition, scope), condition, argument, scope)


_SPENT = type_coerce(customer_facts.c.total_spent, BigInteger())
_SUMMED = func.nullif(customer_facts.c.order_count - customer_facts.c.foreign_order_count, 0, type_=Integer())
AVERAGE_ORDER = RealColumn(cast(_SPENT, DOUBLE) / cast(_SUMMED, DOUBLE), MONEY_SCALE)
_FACTS: dict[Aggregate, Column] = {
    Aggregate.COUNT: WholeColumn(customer_facts.c.order_count),
    Aggregate.SUM: WholeColumn(_SPENT, MONEY_SCALE),
    Aggregate.AVERAGE: AVERAGE_ORDER,
    Aggregate.FIRST: MomentColumn(customer_facts.c.first_order_at),
    Aggregate.LAST: MomentColumn(customer_facts.c.last_order_at),
}


def _facts_predicate(condition: BehaviorCondition, scope: FilterScope) -> Predicate | None:
    """Return the condition on the customer's facts; None where only the orders can answer it."""
    if condition.aggregate is Aggregate.COUNT and scope.since(condition.window) is not None:
        allowed = intervals(condition.operator, condition.values)
        low, high = allowed[0] if allowed else (None, None)
        if low is not None and low > 0:
            return _at_least(low, condition, scope) if high is None else None
        if high is None or high < 0:
            return None
        more = _at_least(high + 1, condition, scope)
        return more and negate(more)
    if not condition.window.is_open or condition.of not in {None, "total"}:
        return None
    column = _FACTS.get(condition.aggregate)
    return None if column is None else RowPredicate(column.matches(condition.operator, condition.values, scope))


def _at_least(times: int, condition: BehaviorCondition, scope: FilterScope) -> IdSet | None:
    """Return "k orders or more in the last days": the k-th last order is in them. None where that is no column."""
    kth, start = _KTH.get(times), scope.since(condition.window)
    if kth is None or start is None:
        return None
    facts = customer_facts.c
    since = MomentColumn(kth).matches(Operator.GTE, (start,), scope)
    current = MomentColumn(facts.last_order_at).matches(Operator.LTE, (scope.now,), scope)
    # The k-th last order may be dated ahead: of customers with such an order, few if any, the orders are counted.
    future = orders.alias("future")
    later = MomentColumn(future.c.placed_at).matches(Operator.GT, (scope.now,), scope)
    dated_ahead = select(future.c.customer_id).where(
        future.c.store_id == scope.store_id, literal_column("future.counted"), later
    )
    rows = Rows(
        orders.c.customer_id,
        orders.c.placed_at,
        (
            orders.c.store_id == scope.store_id,
            literal_column("orders.counted"),
            MomentColumn(orders.c.placed_at).matches(Operator.GTE, (start,), scope),
            orders.c.customer_id.in_(dated_ahead.correlate(None)),
        ),
        Selectivity.PICKED,
    )
    by_now = func.count(case((MomentColumn(orders.c.placed_at).matches(Operator.LTE, (scope.now,), scope), 1)))
    enough, too_few = rows.having(by_now >= times), rows.having(by_now < times, negated=True)
    ids = select(facts.customer_id).where(
        facts.store_id == scope.store_id, since, membership(too_few, facts.customer_id, scope)
    )
    return IdSet(
        ids.correlate(None),
        Selectivity.WINDOW,
        distinct=True,
        conjuncts=(RowPredicate(since), too_few),
        alternatives=(RowPredicate(since & current), enough),
    )


def _part_of(field: EventField) -> OrderPart:
    return field.of if isinstance(field, OrderField | FacetField) else OrderPart.ORDER


def _frequent_buyers(condition: BehaviorCondition, scope: FilterScope) -> tuple[ColumnElement[bool], ...]:
    """Narrow the orders to be counted to customers whose facts say that they have about so many since the start."""
    start = scope.since(condition.window) or condition.window.since
    allowed = intervals(condition.operator, condition.values) if condition.aggregate is Aggregate.COUNT else []
    if start is None or not allowed:
        return ()
    low, high = allowed[0]
    times = low if low is not None and low > 0 else (high or 0) + 1
    kth = max((k for k in _KTH if k <= times), default=1)
    if kth == 1:
        return ()
    since = MomentColumn(_KTH[kth]).matches(Operator.GTE, (start,), scope)
    facts = customer_facts.c
    frequent = select(facts.customer_id).where(facts.store_id == scope.store_id, since)
    return (orders.c.customer_id.in_(frequent.correlate(None)),)


def _order_clauses(
    of_order: Sequence[FieldCondition], of_item: Sequence[FieldCondition], scope: FilterScope
) -> tuple[ColumnElement[bool], ...]:
    """Return the clauses that an order fulfils, by itself and by one of its items."""
    clauses = where_clauses(of_order, scope)
    if not of_item:
        return clauses
    items = select(order_items.c.customer_id, order_items.c.order_id).where(
        order_items.c.store_id == scope.store_id,
        literal_column("order_items.counted"),
        *where_clauses(of_item, scope),
    )
    return (*clauses, tuple_(orders.c.customer_id, orders.c.id).in_(items.correlate(None)))


def _order_rows(clauses: tuple[ColumnElement[bool], ...], condition: BehaviorCondition, scope: FilterScope) -> Rows:
    where: tuple[ColumnElement[Any], ...] = (
        orders.c.store_id == scope.store_id,
        literal_column("orders.counted"),
        *in_window(orders.c.placed_at, condition.window, scope),
        *clauses,
    )
    selectivity = Selectivity.LOG if condition.window == ALL_TIME else Selectivity.WINDOW
    return Rows(orders.c.customer_id, orders.c.placed_at, where, selectivity)


def _item_rows(
    of_order: Sequence[FieldCondition],
    of_item: Sequence[FieldCondition],
    condition: BehaviorCondition,
    scope: FilterScope,
) -> Rows:
    """Return the items that fulfil the conditions, in orders that do; those of one order count once."""
    rows = order_items.c
    where: tuple[ColumnElement[Any], ...] = (
        rows.store_id == scope.store_id,
        literal_column("order_items.counted"),
        *in_window(rows.placed_at, condition.window, scope),
        *where_clauses(of_item, scope),
    )
    if of_order:
        matching = select(orders.c.customer_id, orders.c.id).where(
            orders.c.store_id == scope.store_id, literal_column("orders.counted"), *where_clauses(of_order, scope)
        )
        where = (*where, tuple_(rows.customer_id, rows.order_id).in_(matching.correlate(None)))
    fields = [narrowed.field for narrowed in of_item if isinstance(narrowed.field, OrderField | FacetField)]
    selectivity = min((field.selectivity for field in fields), default=Selectivity.LOG)
    return Rows(rows.customer_id, rows.placed_at, where, selectivity, counts_as=rows.order_id)
