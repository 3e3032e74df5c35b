"""Events of all time: how often each customer did a thing, first and last, is kept and need not be counted."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from domain.events.tables import event_tallies
from domain.segments.conditions.columns import Interval, intervals, within
from domain.segments.conditions.leaf import Compiled, Members, Spread
from domain.segments.conditions.scope import Scope
from domain.segments.conditions.tally import counted
from domain.segments.conditions.times import MomentColumn
from domain.segments.filters import Aggregate, Behavior

_tally = event_tallies.c
_ENDS = {Aggregate.FIRST: MomentColumn(_tally.first_at), Aggregate.LAST: MomentColumn(_tally.last_at)}


@dataclass(frozen=True, slots=True)
class Tallied:
    """Customers who ever did something of a type."""

    type: str
    scope: Scope

    def occurring(self, times: Interval) -> Members:
        return self.such(*([] if times == (1, None) else [within(_tally.count, times)]))

    def such(self, *where: ColumnElement[bool]) -> Members:
        own = (_tally.store_id == self.scope.store_id, _tally.type == self.type)
        return Members(select(_tally.customer_id).where(*own, *where).correlate(None), Spread.LOG, once=True)


def of_all_time(kind: str, condition: Behavior, scope: Scope) -> Compiled | None:
    """What the tallies answer without a look at the events."""
    if condition.where or not condition.window.is_open:
        return None
    kept = Tallied(kind, scope)
    if condition.aggregate is Aggregate.COUNT:
        return counted(kept, intervals(condition.operator, condition.values))
    end = _ENDS.get(condition.aggregate)
    return None if end is None else kept.such(end.holds(condition.operator, condition.values, scope))
