"""The tags that customers have as a log: when each was added, and by whom."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, distinct, func

from domain.customers.tables import customer_tags
from domain.segments.filters import Aggregate, BehaviorCondition
from domain.segments.sql.behaviors.aggregates import Measure, RealMeasure, Rows, having, having_share, in_window
from domain.segments.sql.behaviors.base import FieldConditions, aggregate_argument, where_clauses
from domain.segments.sql.columns.values import Column, TextColumn
from domain.segments.sql.predicates import Predicate, Selectivity
from domain.segments.sql.scope import FilterScope


@dataclass(frozen=True, slots=True)
class TagField:
    """A column of a customer's tag."""

    stored: ColumnElement[Any]

    def column(self, _: FilterScope) -> Column:
        return TextColumn(self.stored)

    def distinct_count(self, _: FilterScope) -> ColumnElement[int]:
        return func.count(distinct(self.stored))

    def measure(self, _: FilterScope) -> Measure:
        return RealMeasure(self.stored)


class TaggingSource:
    """The tags that customers have, each given once."""

    def predicate(self, condition: BehaviorCondition, fields: FieldConditions, scope: FilterScope) -> Predicate:
        tags = customer_tags.c
        in_time = (tags.store_id == scope.store_id, *in_window(tags.added_at, condition.window, scope))
        clauses = where_clauses(fields.where, scope)
        if condition.aggregate is Aggregate.SHARE:
            rows = Rows(tags.customer_id, tags.added_at, in_time, Selectivity.TAG)
            return having_share(rows, clauses, condition, scope)
        rows = Rows(tags.customer_id, tags.added_at, (*in_time, *clauses), Selectivity.TAG)
        return having(rows, condition, aggregate_argument(condition, fields, scope), scope)
