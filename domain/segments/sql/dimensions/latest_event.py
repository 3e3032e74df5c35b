"""Dimensions that plugins declare of events: an attribute of a customer's latest event, and the number of events."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from domain.events.tables import event_counters, events
from domain.segments.filters import AttributeCondition, BehaviorCondition, Operator, Window
from domain.segments.sql.behaviors.aggregates import in_window
from domain.segments.sql.behaviors.base import EventField, FieldConditions
from domain.segments.sql.behaviors.events import EventSource
from domain.segments.sql.predicates import IdSet, Predicate, Selectivity
from domain.segments.sql.projections import RelatedValues
from domain.segments.sql.scope import FilterScope

_NEWEST_FIRST = func.row_number().over(
    partition_by=events.c.customer_id, order_by=(events.c.occurred_at.desc(), events.c.id.desc())
)


@dataclass(frozen=True, slots=True)
class LatestEventSource:
    type: str
    field: EventField

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> IdSet:
        matches = self.field.column(scope).matches(condition.operator, condition.values, scope)
        columns = (events.c.customer_id, matches.label("matches"), _NEWEST_FIRST.label("place"))
        ranked = select(*columns).where(*self._where(scope)).subquery("ranked")
        ids = select(ranked.c.customer_id).where(ranked.c.place == 1, ranked.c.matches)
        return IdSet(ids.correlate(None), Selectivity.PROPERTY, distinct=True)

    def value(self, scope: FilterScope) -> RelatedValues | None:
        value = self.field.column(scope).value(scope)
        if value is None:
            return None
        columns = (events.c.customer_id, value.expression.label("value"), _NEWEST_FIRST.label("place"))
        # Customers are what it is partitioned by: the database narrows the events before it ranks them.
        ranked = select(*columns).where(*self._where(scope)).subquery("ranked")
        rows = select(ranked.c.customer_id, ranked.c.value).where(ranked.c.place == 1, ranked.c.value.is_not(None))
        return RelatedValues(rows, ranked.c.customer_id, value.decode)

    def _where(self, scope: FilterScope) -> tuple[ColumnElement[bool], ...]:
        return events.c.store_id == scope.store_id, events.c.type == self.type


@dataclass(frozen=True, slots=True)
class EventCountSource:
    type: str
    window: Window

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate:
        operator = Operator.EQ if condition.operator is Operator.IN else condition.operator
        count = BehaviorCondition(self.type, operator=operator, values=condition.values, window=self.window)
        return EventSource(self.type).predicate(count, FieldConditions((), None), scope)

    def value(self, scope: FilterScope) -> RelatedValues:
        if self.window.is_open:
            counters = event_counters.c
            of_type = (counters.store_id == scope.store_id, counters.type == self.type)
            return RelatedValues(
                select(counters.customer_id, counters.count).where(*of_type), counters.customer_id, int, default=0
            )
        rows = events.c
        counts = select(rows.customer_id, func.count()).where(
            rows.store_id == scope.store_id,
            rows.type == self.type,
            *in_window(rows.occurred_at, self.window, scope),
        )
        return RelatedValues(counts.group_by(rows.customer_id), rows.customer_id, int, default=0)
