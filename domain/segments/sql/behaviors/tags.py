"""When customers were given the tags that they have."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, distinct, func

from domain.customers.tables import customer_tags
from domain.segments.filters import Aggregate, BehaviorCondition
from domain.segments.sql.behaviors.aggregates import Measure, RealMeasure, Rows, aggregate, during, share
from domain.segments.sql.behaviors.base import FieldConditions, measured, row_predicates
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

    def leaf(self, condition: BehaviorCondition, traits: FieldConditions, scope: FilterScope) -> Predicate:
        tags = customer_tags.c
        own = (tags.store_id == scope.store_id, *during(tags.added_at, condition.window, scope))
        narrowed = row_predicates(traits.where, scope)
        if condition.aggregate is Aggregate.SHARE:
            return share(Rows(tags.customer_id, tags.added_at, own, Selectivity.TAG), narrowed, condition, scope)
        rows = Rows(tags.customer_id, tags.added_at, (*own, *narrowed), Selectivity.TAG)
        return aggregate(rows, condition, measured(condition, traits, scope), scope)
