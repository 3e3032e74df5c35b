"""The protocols of behaviors: a log whose rows conditions narrow, and the fields that aggregates are taken of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import ColumnElement

from domain.segments.filters import POSITIVE, Aggregate, AttributeCondition, BehaviorCondition
from domain.segments.sql.behaviors.aggregates import Measure
from domain.segments.sql.columns.values import Column
from domain.segments.sql.predicates import Predicate, is_not_true
from domain.segments.sql.scope import FilterScope


class EventField(Protocol):
    """A behavior's attribute, on a row of its log."""

    def column(self, scope: FilterScope, /) -> Column: ...

    def distinct_count(self, scope: FilterScope, /) -> ColumnElement[int]: ...

    def measure(self, scope: FilterScope, /) -> Measure: ...


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """A condition on a row, with its field: the same name may be of another type in the next condition."""

    condition: AttributeCondition
    field: EventField


@dataclass(frozen=True, slots=True)
class FieldConditions:
    where: tuple[FieldCondition, ...]
    of: EventField | None


class BehaviorSource(Protocol):
    """The log of a behavior."""

    def predicate(self, condition: BehaviorCondition, fields: FieldConditions, scope: FilterScope) -> Predicate: ...


def where_clauses(conditions: Sequence[FieldCondition], scope: FilterScope) -> tuple[ColumnElement[bool], ...]:
    """Return a WHERE clause on the log's row for each condition."""
    clauses: list[ColumnElement[bool]] = []
    for field_condition in conditions:
        condition, column = field_condition.condition, field_condition.field.column(scope)
        positive = POSITIVE.get(condition.operator, condition.operator)
        matches = column.matches(positive, condition.values, scope)
        clauses.append(matches if positive is condition.operator else is_not_true(matches))
    return tuple(clauses)


def aggregate_argument(
    condition: BehaviorCondition, fields: FieldConditions, scope: FilterScope
) -> Measure | ColumnElement[int] | None:
    """Return what the condition's aggregate is taken of: a measure, a count of different values, or nothing."""
    if fields.of is None:
        return None
    return fields.of.distinct_count(scope) if condition.aggregate is Aggregate.DISTINCT else fields.of.measure(scope)
