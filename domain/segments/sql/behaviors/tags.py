"""When customers were given the tags that they have."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, distinct, func

from domain.customers.tables import customer_tags
from domain.segments.filters import Aggregate, Behavior
from domain.segments.sql.behaviors.aggregates import Measure, RealMeasure, Rows, during, share, tally
from domain.segments.sql.behaviors.base import Traits, measured, row_predicates
from domain.segments.sql.columns.values import Column, TextColumn
from domain.segments.sql.predicates import Compiled, Spread
from domain.segments.sql.scope import Scope


@dataclass(frozen=True, slots=True)
class OfTag:
    """A column of a customer's tag."""

    stored: ColumnElement[Any]

    def column(self, _: Scope) -> Column:
        return TextColumn(self.stored)

    def different(self, _: Scope) -> ColumnElement[int]:
        return func.count(distinct(self.stored))

    def measure(self, _: Scope) -> Measure:
        return RealMeasure(self.stored)


class Taggings:
    """The tags that customers have, each given once."""

    def leaf(self, condition: Behavior, traits: Traits, scope: Scope) -> Compiled:
        tags = customer_tags.c
        own = (tags.store_id == scope.store_id, *during(tags.added_at, condition.window, scope))
        narrowed = row_predicates(traits.where, scope)
        if condition.aggregate is Aggregate.SHARE:
            return share(Rows(tags.customer_id, tags.added_at, own, Spread.TAG), narrowed, condition, scope)
        rows = Rows(tags.customer_id, tags.added_at, (*own, *narrowed), Spread.TAG)
        return tally(rows, condition, measured(condition, traits, scope), scope)
