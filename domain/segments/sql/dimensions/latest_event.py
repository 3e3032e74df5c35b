"""What a customer's latest event of a type says, and how many there are: for dimensions that plugins declare."""

from dataclasses import dataclass

from sqlalchemy import func, select

from domain.events.log_tables import events
from domain.segments.filters import AttributeCondition, BehaviorCondition, Operator, Window
from domain.segments.sql.behaviors.base import EventField, FieldConditions
from domain.segments.sql.behaviors.events import EventSource
from domain.segments.sql.predicates import IdSet, Predicate, Selectivity
from domain.segments.sql.scope import FilterScope


@dataclass(frozen=True, slots=True)
class LatestEventSource:
    type: str
    field: EventField

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> IdSet:
        rows = events.c
        own = (rows.store_id == scope.store_id, rows.type == self.type)
        newest = (rows.occurred_at.desc(), rows.id.desc())
        place = func.row_number().over(partition_by=rows.customer_id, order_by=newest).label("place")
        ranked = select(rows.id, place).where(*own).subquery()
        last = select(ranked.c.id).where(ranked.c.place == 1)
        matches = self.field.column(scope).matches(condition.operator, condition.values, scope)
        ids = select(rows.customer_id).where(*own, rows.id.in_(last), matches)
        return IdSet(ids.correlate(None), Selectivity.PROPERTY, distinct=True)


@dataclass(frozen=True, slots=True)
class EventCountSource:
    type: str
    window: Window

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate:
        operator = Operator.EQ if condition.operator is Operator.IN else condition.operator
        count = BehaviorCondition(self.type, operator=operator, values=condition.values, window=self.window)
        return EventSource(self.type).predicate(count, FieldConditions((), None), scope)
