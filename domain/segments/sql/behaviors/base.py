"""What every log of behavior has in common: rows that conditions narrow, and attributes of theirs to measure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import ColumnElement

from domain.segments.filters import Aggregate, AttributeCondition, BehaviorCondition, Operator
from domain.segments.sql.behaviors.aggregates import Measure
from domain.segments.sql.columns.values import Column
from domain.segments.sql.predicates import Predicate, is_not_true
from domain.segments.sql.scope import FilterScope

_NEGATIVE = {
    Operator.NEQ: Operator.IN,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_CONTAINS: Operator.CONTAINS,
    Operator.IS_NOT_SET: Operator.IS_SET,
}


class EventField(Protocol):
    """What a behavior's attribute is on a row of its log."""

    def column(self, scope: FilterScope, /) -> Column: ...

    def distinct_count(self, scope: FilterScope, /) -> ColumnElement[int]: ...

    def measure(self, scope: FilterScope, /) -> Measure: ...


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """A condition on an occasion, and what it asks about; the same name may be of another type beside it."""

    condition: AttributeCondition
    field: EventField


@dataclass(frozen=True, slots=True)
class FieldConditions:
    where: tuple[FieldCondition, ...]
    of: EventField | None


class BehaviorSource(Protocol):
    """Where a behavior is kept."""

    def leaf(self, condition: BehaviorCondition, traits: FieldConditions, scope: FilterScope) -> Predicate: ...


def row_predicates(where: Sequence[FieldCondition], scope: FilterScope) -> tuple[ColumnElement[bool], ...]:
    return tuple(_row_predicate(each.condition, each.field.column(scope), scope) for each in where)


def _row_predicate(condition: AttributeCondition, column: Column, scope: FilterScope) -> ColumnElement[bool]:
    positive = _NEGATIVE.get(condition.operator)
    if positive is None:
        return column.matches(condition.operator, condition.values, scope)
    return is_not_true(column.matches(positive, condition.values, scope))


def measured(
    condition: BehaviorCondition, traits: FieldConditions, scope: FilterScope
) -> Measure | ColumnElement[int] | None:
    if traits.of is None:
        return None
    return traits.of.distinct_count(scope) if condition.aggregate is Aggregate.DISTINCT else traits.of.measure(scope)
