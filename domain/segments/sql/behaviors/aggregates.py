"""Counting, adding up and timing what customers did."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, and_, case, cast, func, select, true

from domain.kit.db.types import Instant
from domain.segments.filters import Aggregate, AttributeCondition, BehaviorCondition, Operator, Value, Window
from domain.segments.sql.columns.times import MomentColumn
from domain.segments.sql.columns.values import DOUBLE, Interval, RealColumn, WholeColumn, exactly, intervals, within
from domain.segments.sql.predicates import ALWAYS, NEVER, IdSet, Predicate, Selectivity, is_not_true, negate
from domain.segments.sql.scope import FilterScope


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that a behavior's conditions leave; `each` tells one occasion from the next."""

    customer: ColumnElement[int]
    at: ColumnElement[Any]
    where: tuple[ColumnElement[Any], ...]
    selectivity: Selectivity
    each: ColumnElement[Any] | None = None

    def ids(self, having: ColumnElement[bool] | None = None) -> Select[int]:
        """Customers with such rows, or with such rows together."""
        found = select(self.customer).where(*self.where).correlate(None)
        return found if having is None else found.group_by(self.customer).having(having)

    def occurring(self, times: Interval) -> IdSet:
        """Customers with so many occasions, one at least."""
        if times == (1, None):
            return IdSet(self.ids(), self.selectivity)
        if self.each is None:
            return IdSet(self.ids(within(func.count(), times)), self.selectivity, distinct=True)
        # Two steps of hashing, where count(DISTINCT ...) would sort.
        each = select(self.customer.label("customer_id"), self.each).where(*self.where).correlate(None).distinct()
        customer = each.subquery("occasions").c.customer_id
        return IdSet(
            select(customer).group_by(customer).having(within(func.count(), times)), self.selectivity, distinct=True
        )


class Occasions(Protocol):
    """What customers did, as often as they did it."""

    def occurring(self, times: Interval, /) -> IdSet: ...


class Measure(Protocol):
    """A number of a row that can be added up."""

    def total(self, aggregate: Aggregate) -> WholeColumn | RealColumn: ...


@dataclass(frozen=True, slots=True)
class WholeMeasure:
    raw: ColumnElement[Any]
    scale: int

    def total(self, aggregate: Aggregate) -> WholeColumn | RealColumn:
        if aggregate is Aggregate.AVERAGE:
            return RealColumn(_mean(self.raw), self.scale)
        return WholeColumn(_FUNCTIONS[aggregate](self.raw), self.scale)


@dataclass(frozen=True, slots=True)
class RealMeasure:
    raw: ColumnElement[Any]

    def total(self, aggregate: Aggregate) -> WholeColumn | RealColumn:
        if aggregate is Aggregate.AVERAGE:
            return RealColumn(_mean(self.raw))
        return RealColumn(_FUNCTIONS[aggregate](self.raw))


def _mean(raw: ColumnElement[Any]) -> ColumnElement[Any]:
    total: ColumnElement[Any] = func.sum(raw)
    return cast(total, DOUBLE) / cast(func.count(raw), DOUBLE)


def _sum(raw: ColumnElement[Any]) -> ColumnElement[Any]:
    total: ColumnElement[Any] = func.sum(raw)
    return func.coalesce(total, 0)


_FUNCTIONS: dict[Aggregate, Callable[[ColumnElement[Any]], ColumnElement[Any]]] = {
    Aggregate.SUM: _sum,
    Aggregate.MIN: func.min,
    Aggregate.MAX: func.max,
}


def during(at: ColumnElement[Any], window: Window, scope: FilterScope) -> tuple[ColumnElement[bool], ...]:
    """The window: nothing of the future in "the last N days"; from an instant on, up to another."""
    start = scope.since(window)
    if start is not None:
        return (MomentColumn(at).matches(Operator.BETWEEN, (start, scope.now), scope),)
    ends: list[ColumnElement[bool]] = []
    if window.since is not None:
        ends.append(MomentColumn(at).matches(Operator.GTE, (window.since,), scope))
    if window.until is not None:
        ends.append(MomentColumn(at).matches(Operator.BEFORE, (window.until,), scope))
    return tuple(ends)


def aggregate(
    rows: Rows, condition: BehaviorCondition, measured: Measure | ColumnElement[int] | None, scope: FilterScope
) -> Predicate:
    match condition.aggregate:
        case Aggregate.COUNT:
            return counted(rows, intervals(condition.operator, condition.values))
        case Aggregate.DISTINCT:
            assert isinstance(measured, ColumnElement)
            return summed(rows, WholeColumn(measured), condition, scope)
        case Aggregate.FIRST | Aggregate.LAST:
            function = func.min if condition.aggregate is Aggregate.FIRST else func.max
            at = MomentColumn(function(rows.at, type_=Instant()))
            return _together(rows, at.matches(condition.operator, condition.values, scope))
        case _:
            assert not isinstance(measured, ColumnElement | None)
            column = measured.total(condition.aggregate)
            if condition.aggregate is Aggregate.SUM:
                return summed(rows, column, condition, scope)
            return _together(rows, column.matches(condition.operator, condition.values, scope))


def counted(rows: Occasions, allowed: Sequence[Interval]) -> Predicate:
    """How often: 0 times is said of those who are not among the rows."""
    if not allowed:
        return NEVER
    low, high = allowed[0]
    if low is None or low <= 0:
        return ALWAYS if high is None else negate(counted(rows, [(high + 1, None)])) if high >= 0 else NEVER
    if high is not None and high < low:
        return NEVER
    return rows.occurring((low, high))


def _together(rows: Rows, having: ColumnElement[bool], *, holds: bool = True) -> IdSet:
    return IdSet(rows.ids(having), rows.selectivity, holds, distinct=True)


def share(rows: Rows, chosen: Sequence[ColumnElement[bool]], condition: BehaviorCondition, scope: FilterScope) -> IdSet:
    """How many of a hundred occasions are such ones; nobody's who has none."""
    fulfilled = cast(func.count(case((and_(true(), *chosen), 1))) * 100, DOUBLE)
    column = RealColumn(fulfilled / cast(func.count(), DOUBLE))
    return _together(rows, column.matches(condition.operator, condition.values, scope))


def summed(
    rows: Rows, column: WholeColumn | RealColumn, condition: BehaviorCondition | AttributeCondition, scope: FilterScope
) -> IdSet:
    """A sum, or a number of different values, of nothing is 0, so that 0 may fulfil the condition without a row."""
    having = column.matches(condition.operator, condition.values, scope)
    if allows_zero(condition.operator, condition.values):
        return _together(rows, is_not_true(having), holds=False)
    return _together(rows, having)


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
