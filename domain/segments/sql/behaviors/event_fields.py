"""Fields of events that are no attribute: the subject's column, and "not followed by an order"."""

from typing import Any

from sqlalchemy import ColumnElement, distinct, exists, func, not_

from domain.customers.tables import customer_facts
from domain.events.tables import events
from domain.segments.sql.behaviors.aggregates import Measure, RealMeasure
from domain.segments.sql.columns.values import Column, FlagColumn, TextColumn
from domain.segments.sql.scope import FilterScope


class SubjectField:
    """The subject of an event: a column with an index of its own."""

    def column(self, _: FilterScope) -> Column:
        return TextColumn(events.c.subject)

    def distinct_count(self, _: FilterScope) -> ColumnElement[int]:
        return func.count(distinct(events.c.subject))

    def measure(self, _: FilterScope) -> Measure:
        return RealMeasure(events.c.subject)


class AbandonedField:
    """True for events after which the customer has ordered nothing."""

    def column(self, _: FilterScope) -> Column:
        return FlagColumn(self._value())

    def distinct_count(self, _: FilterScope) -> ColumnElement[int]:
        return func.count(distinct(self._value()))

    def measure(self, _: FilterScope) -> Measure:
        return RealMeasure(self._value())

    @staticmethod
    def _value() -> ColumnElement[Any]:
        facts = customer_facts.alias("since")
        ordered = exists().where(
            facts.c.store_id == events.c.store_id,
            facts.c.customer_id == events.c.customer_id,
            facts.c.last_order_at >= events.c.occurred_at,
        )
        return not_(ordered.correlate(events))
