"""How often each customer did a thing, first and last, is kept: all time, and the last days, need not be counted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, or_, select

from domain.events.tables import event_counters, events
from domain.segments.filters import Aggregate, BehaviorCondition, Operator
from domain.segments.sql.behaviors.aggregates import counted, during
from domain.segments.sql.columns.times import MomentColumn
from domain.segments.sql.columns.values import Interval, intervals, within
from domain.segments.sql.predicates import IdSet, Predicate, Selectivity
from domain.segments.sql.scope import FilterScope

_tally = event_counters.c
_ENDS = {Aggregate.FIRST: MomentColumn(_tally.first_at), Aggregate.LAST: MomentColumn(_tally.last_at)}


@dataclass(frozen=True, slots=True)
class Counters:
    """Customers who ever did something of a type."""

    type: str
    scope: FilterScope

    def occurring(self, times: Interval) -> IdSet:
        return self.such(*([] if times == (1, None) else [within(_tally.count, times)]))

    def such(self, *where: ColumnElement[bool]) -> IdSet:
        own = (_tally.store_id == self.scope.store_id, _tally.type == self.type)
        return IdSet(select(_tally.customer_id).where(*own, *where).correlate(None), Selectivity.LOG, distinct=True)


def of_late(kind: str, condition: BehaviorCondition, scope: FilterScope) -> Predicate | None:
    """Whether it happened at all in the last days: who did it last in them, one row for each of them."""
    window = condition.window
    relative = window.last_days is not None or window.last_hours is not None
    if condition.where or condition.aggregate is not Aggregate.COUNT or not relative:
        return None
    allowed = intervals(condition.operator, condition.values)
    return counted(_Late(kind, condition, scope), allowed) if allowed and _whether(*allowed[0]) else None


def _whether(low: int | None, high: int | None) -> bool:
    """At least once, or never."""
    return (low, high) == (1, None) or (high == 0 and (low is None or low <= 0))


@dataclass(frozen=True, slots=True)
class _Late:
    type: str
    condition: BehaviorCondition
    scope: FilterScope

    def occurring(self, _: Interval) -> IdSet:
        last = MomentColumn(_tally.last_at)
        begins = self._begins()
        # Said by itself, so that the index begins there.
        since = last.matches(Operator.GTE, (begins,), self.scope)
        current = last.matches(Operator.LTE, (self.scope.now,), self.scope)
        kept = Counters(self.type, self.scope)
        return kept.such(since, or_(current, _tally.customer_id.in_(self._before())))

    def _begins(self) -> datetime:
        window = self.condition.window
        if window.last_hours is not None:
            return self.scope.now - timedelta(hours=window.last_hours)
        return self.scope.start(-(window.last_days or 0))

    def _before(self) -> Select[int]:
        """Whose last one is dated ahead, if there are any: their earlier ones are looked at."""
        ahead = event_counters.alias("ahead")
        later = MomentColumn(ahead.c.last_at).matches(Operator.GT, (self.scope.now,), self.scope)
        whose = select(ahead.c.customer_id).where(
            ahead.c.store_id == self.scope.store_id, ahead.c.type == self.type, later
        )
        of = (events.c.store_id == self.scope.store_id, events.c.type == self.type)
        then = during(events.c.occurred_at, self.condition.window, self.scope)
        return select(events.c.customer_id).where(*of, *then, events.c.customer_id.in_(whose)).correlate(None)


def of_all_time(kind: str, condition: BehaviorCondition, scope: FilterScope) -> Predicate | None:
    """What the tallies answer without a look at the events."""
    if condition.where or not condition.window.is_open:
        return None
    kept = Counters(kind, scope)
    if condition.aggregate is Aggregate.COUNT:
        return counted(kept, intervals(condition.operator, condition.values))
    end = _ENDS.get(condition.aggregate)
    return None if end is None else kept.such(end.matches(condition.operator, condition.values, scope))
