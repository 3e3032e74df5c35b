"""Counts, sums, times and shares of customers' rows in a log, as the ids of a GROUP BY with HAVING."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, and_, case, cast, func, select, true

from domain.kit.db.types import Instant
from domain.segments.filters import Aggregate, AttributeCondition, BehaviorCondition, Operator, Value, Window
from domain.segments.sql.columns.times import MomentColumn
from domain.segments.sql.columns.values import (
    DOUBLE,
    Interval,
    RealColumn,
    WholeColumn,
    exactly,
    in_interval,
    intervals,
)
from domain.segments.sql.predicates import ALWAYS, NEVER, IdSet, Predicate, Selectivity, is_not_true, negate
from domain.segments.sql.scope import FilterScope


@dataclass(frozen=True, slots=True)
class Rows:
    """A log's rows that a behavior's conditions select. `counts_as`: rows in which it is equal count once."""

    customer: ColumnElement[int]
    occurred_at: ColumnElement[Any]
    where: tuple[ColumnElement[Any], ...]
    selectivity: Selectivity
    counts_as: ColumnElement[Any] | None = None

    def ids(self, having: ColumnElement[bool] | None = None) -> Select[int]:
        """Return the ids of the customers with such rows; with `having`, of those whose rows fulfil it together."""
        ids = select(self.customer).where(*self.where).correlate(None)
        return ids if having is None else ids.group_by(self.customer).having(having)

    def with_count(self, interval: Interval) -> IdSet:
        """Return the customers with so many of them, one at least."""
        if interval == (1, None):
            return IdSet(self.ids(), self.selectivity)
        if self.counts_as is None:
            return self.having(in_interval(func.count(), interval))
        # Two steps of hashing, where count(DISTINCT ...) would sort.
        rows = select(self.customer.label("customer_id"), self.counts_as).where(*self.where).correlate(None).distinct()
        customer = rows.subquery("occasions").c.customer_id
        ids = select(customer).group_by(customer).having(in_interval(func.count(), interval))
        return IdSet(ids, self.selectivity, distinct=True)

    def having(self, condition: ColumnElement[bool], *, negated: bool = False) -> IdSet:
        """Return the customers whose rows fulfil the condition together; or all the others."""
        return IdSet(self.ids(condition), self.selectivity, negated, distinct=True)


class Countable(Protocol):
    """Customers that can be selected by how often they did something."""

    def with_count(self, interval: Interval, /) -> IdSet: ...


class Measure(Protocol):
    """A number of a row that can be added up."""

    def total(self, aggregate: Aggregate) -> WholeColumn | RealColumn: ...


@dataclass(frozen=True, slots=True)
class WholeMeasure:
    raw: ColumnElement[Any]
    scale: int
    dialect: str

    def total(self, aggregate: Aggregate) -> WholeColumn | RealColumn:
        column = RealColumn if aggregate is Aggregate.AVERAGE else WholeColumn
        # SQLite's sum() fails where 64 bits do not hold it; its total() is a double, exact up to 2^53.
        add_up = func.sum if self.dialect == "postgresql" else func.total
        return column(_aggregated(aggregate, self.raw, add_up(self.raw)), self.scale)


@dataclass(frozen=True, slots=True)
class RealMeasure:
    raw: ColumnElement[Any]

    def total(self, aggregate: Aggregate) -> WholeColumn | RealColumn:
        return RealColumn(_aggregated(aggregate, self.raw, func.sum(self.raw)))


def _aggregated(aggregate: Aggregate, raw: ColumnElement[Any], total: ColumnElement[Any]) -> ColumnElement[Any]:
    match aggregate:
        case Aggregate.MIN:
            return func.min(raw)
        case Aggregate.MAX:
            return func.max(raw)
        case _:
            if aggregate is Aggregate.AVERAGE:
                return cast(total, DOUBLE) / cast(func.count(raw), DOUBLE)
            return func.coalesce(total, 0)


def in_window(occurred_at: ColumnElement[Any], window: Window, scope: FilterScope) -> tuple[ColumnElement[bool], ...]:
    """Return the window's WHERE clauses. "The last N days" end now: what is dated ahead is outside."""
    column = MomentColumn(occurred_at)
    start = scope.since(window)
    if start is not None:
        return (column.matches(Operator.BETWEEN, (start, scope.now), scope),)
    bounds: list[ColumnElement[bool]] = []
    if window.since is not None:
        bounds.append(column.matches(Operator.GTE, (window.since,), scope))
    if window.until is not None:
        bounds.append(column.matches(Operator.BEFORE, (window.until,), scope))
    return tuple(bounds)


def having(
    rows: Rows, condition: BehaviorCondition, argument: Measure | ColumnElement[int] | None, scope: FilterScope
) -> Predicate:
    """Return the customers whose rows have the aggregate that the condition compares. `argument`: what it is of."""
    match condition.aggregate:
        case Aggregate.COUNT:
            return having_count(rows, intervals(condition.operator, condition.values))
        case Aggregate.DISTINCT:
            assert isinstance(argument, ColumnElement)
            return having_sum(rows, WholeColumn(argument), condition, scope)
        case Aggregate.FIRST | Aggregate.LAST:
            function = func.min if condition.aggregate is Aggregate.FIRST else func.max
            moment = MomentColumn(function(rows.occurred_at, type_=Instant()))
            return rows.having(moment.matches(condition.operator, condition.values, scope))
        case _:
            assert not isinstance(argument, ColumnElement | None)
            column = argument.total(condition.aggregate)
            if condition.aggregate is Aggregate.SUM:
                return having_sum(rows, column, condition, scope)
            return rows.having(column.matches(condition.operator, condition.values, scope))


def having_count(rows: Countable, allowed: Sequence[Interval]) -> Predicate:
    """Return the customers with so many rows. Those without any have no row to group: they are all the others."""
    if not allowed:
        return NEVER
    low, high = allowed[0]
    if low is None or low <= 0:
        if high is None:
            return ALWAYS
        return negate(rows.with_count((high + 1, None))) if high >= 0 else NEVER
    if high is not None and high < low:
        return NEVER
    return rows.with_count((low, high))


def having_share(
    rows: Rows, clauses: Sequence[ColumnElement[bool]], condition: BehaviorCondition, scope: FilterScope
) -> IdSet:
    """Return the customers by how many of a hundred rows fulfil the clauses; without a row there is no share."""
    fulfilled = cast(func.count(case((and_(true(), *clauses), 1))) * 100, DOUBLE)
    column = RealColumn(fulfilled / cast(func.count(), DOUBLE))
    return rows.having(column.matches(condition.operator, condition.values, scope))


def having_sum(
    rows: Rows, column: WholeColumn | RealColumn, condition: BehaviorCondition | AttributeCondition, scope: FilterScope
) -> IdSet:
    """Return the customers by a sum, or a number of different values; without a row it is 0, which may fulfil it."""
    matches = column.matches(condition.operator, condition.values, scope)
    if allows_zero(condition.operator, condition.values):
        return rows.having(is_not_true(matches), negated=True)
    return rows.having(matches)


def allows_zero(operator: Operator, values: Sequence[Value]) -> bool:
    exact = [exactly(value) for value in values]
    match operator:
        case Operator.LT:
            return exact[0] > 0
        case Operator.LTE:
            return exact[0] >= 0
        case Operator.GT:
            return exact[0] < 0
        case Operator.GTE:
            return exact[0] <= 0
        case Operator.BETWEEN:
            return exact[0] <= 0 <= exact[1]
        case _:
            return 0 in exact
