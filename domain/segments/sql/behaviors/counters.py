"""Counters of each customer's events by type, which answer for all time and the last days without the events."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, not_, select, union_all

from domain.events.tables import event_counters, events
from domain.segments.filters import Aggregate, BehaviorCondition, Operator, Window
from domain.segments.sql.behaviors.aggregates import having_count, in_window
from domain.segments.sql.columns.times import MomentColumn
from domain.segments.sql.columns.values import Interval, in_interval, intervals
from domain.segments.sql.predicates import IdSet, Predicate, Selectivity, negate
from domain.segments.sql.scope import FilterScope

_c = event_counters.c
_MOMENTS = {Aggregate.FIRST: MomentColumn(_c.first_at), Aggregate.LAST: MomentColumn(_c.last_at)}


@dataclass(frozen=True, slots=True)
class Counters:
    """Customers with an event of a type, one row each."""

    type: str
    scope: FilterScope

    def with_count(self, interval: Interval) -> IdSet:
        return self.where(*([] if interval == (1, None) else [in_interval(_c.count, interval)]))

    def where(self, *clauses: ColumnElement[bool]) -> IdSet:
        of_type = (_c.store_id == self.scope.store_id, _c.type == self.type)
        ids = select(_c.customer_id).where(*of_type, *clauses).correlate(None)
        return IdSet(ids, Selectivity.LOG, distinct=True)


def all_time_predicate(event_type: str, condition: BehaviorCondition, scope: FilterScope) -> Predicate | None:
    """Return the condition on the counters; None where only the events can answer it."""
    if condition.where or not condition.window.is_open:
        return None
    counters = Counters(event_type, scope)
    if condition.aggregate is Aggregate.COUNT:
        return having_count(counters, intervals(condition.operator, condition.values))
    moment = _MOMENTS.get(condition.aggregate)
    return None if moment is None else counters.where(moment.matches(condition.operator, condition.values, scope))


def recent_predicate(event_type: str, condition: BehaviorCondition, scope: FilterScope) -> Predicate | None:
    """Return "at least once" or "never" in the last days as a condition on the last event; None for anything else."""
    if condition.where or condition.aggregate is not Aggregate.COUNT or scope.since(condition.window) is None:
        return None
    allowed = intervals(condition.operator, condition.values)
    low, high = allowed[0] if allowed else (None, None)
    if (low, high) == (1, None):
        return _with_recent_event(event_type, condition.window, scope)
    if high == 0 and (low is None or low <= 0):
        return negate(_with_recent_event(event_type, condition.window, scope))
    return None


def _with_recent_event(event_type: str, window: Window, scope: FilterScope) -> IdSet:
    start = scope.since(window)
    assert start is not None
    counters, last = Counters(event_type, scope), MomentColumn(_c.last_at)
    since = last.matches(Operator.GTE, (start,), scope)
    current = last.matches(Operator.LTE, (scope.now,), scope)
    # Of customers whose last event is dated ahead, if there are any, the earlier ones are looked up.
    ahead = event_counters.alias("ahead")
    later = MomentColumn(ahead.c.last_at).matches(Operator.GT, (scope.now,), scope)
    dated_ahead = select(ahead.c.customer_id).where(
        ahead.c.store_id == scope.store_id, ahead.c.type == event_type, later
    )
    earlier = exists().where(
        events.c.store_id == scope.store_id,
        events.c.customer_id == ahead.c.customer_id,
        events.c.type == event_type,
        *in_window(events.c.occurred_at, window, scope),
    )
    earlier = earlier.correlate(ahead)
    with_earlier = IdSet(dated_ahead.where(earlier).correlate(None), Selectivity.PICKED, distinct=True)
    only_ahead = IdSet(
        dated_ahead.where(not_(earlier)).correlate(None), Selectivity.PICKED, negated=True, distinct=True
    )
    recent = counters.where(since, current)
    together = union_all(recent.ids, with_earlier.ids).subquery()
    return IdSet(
        select(together.c.customer_id).correlate(None),
        Selectivity.LOG,
        distinct=True,
        conjuncts=(counters.where(since), only_ahead),
        alternatives=(recent, with_earlier),
    )
