"""What every log of behavior has in common: rows that conditions narrow, and attributes of theirs to measure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import ColumnElement

from domain.segments.filters import Aggregate, Attribute, Behavior, Operator
from domain.segments.sql.behaviors.aggregates import Measure
from domain.segments.sql.columns.values import Column
from domain.segments.sql.predicates import Compiled, unless
from domain.segments.sql.scope import Scope

_NEGATIVE = {
    Operator.NEQ: Operator.IN,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_CONTAINS: Operator.CONTAINS,
    Operator.IS_NOT_SET: Operator.IS_SET,
}


class Trait(Protocol):
    """What a behavior's attribute is on a row of its log."""

    def column(self, scope: Scope, /) -> Column: ...

    def different(self, scope: Scope, /) -> ColumnElement[int]: ...

    def measure(self, scope: Scope, /) -> Measure: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A condition on an occasion, and what it asks about; the same name may be of another type beside it."""

    condition: Attribute
    trait: Trait


@dataclass(frozen=True, slots=True)
class Traits:
    where: tuple[Asked, ...]
    of: Trait | None


class Log(Protocol):
    """Where a behavior is kept."""

    def leaf(self, condition: Behavior, traits: Traits, scope: Scope) -> Compiled: ...


def row_predicates(where: Sequence[Asked], scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return tuple(_row_predicate(each.condition, each.trait.column(scope), scope) for each in where)


def _row_predicate(condition: Attribute, column: Column, scope: Scope) -> ColumnElement[bool]:
    positive = _NEGATIVE.get(condition.operator)
    if positive is None:
        return column.holds(condition.operator, condition.values, scope)
    return unless(column.holds(positive, condition.values, scope))


def measured(condition: Behavior, traits: Traits, scope: Scope) -> Measure | ColumnElement[int] | None:
    if traits.of is None:
        return None
    return traits.of.different(scope) if condition.aggregate is Aggregate.DISTINCT else traits.of.measure(scope)
