"""Conditions on what is kept of a customer in rows of another table: one row that fulfils them is enough."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, func, select, type_coerce

from domain.segments.filters import AttributeCondition
from domain.segments.sql.behaviors.aggregates import Rows, having_count, having_sum
from domain.segments.sql.columns.values import Column, WholeColumn, intervals
from domain.segments.sql.predicates import ALWAYS, IdSet, Predicate, Selectivity
from domain.segments.sql.scope import FilterScope

RowConditions = Callable[[FilterScope], tuple[ColumnElement[bool], ...]]


def all_rows(_: FilterScope) -> tuple[ColumnElement[bool], ...]:
    return ()


@dataclass(frozen=True, slots=True)
class ChildRows:
    """Rows of a table that belong to customers, narrowed to those that a dimension is about."""

    customer: Any  # a table's column, whose table has a store_id too
    conditions: RowConditions = all_rows
    selectivity: Selectivity = Selectivity.PROPERTY

    def where(self, scope: FilterScope) -> tuple[ColumnElement[bool], ...]:
        return self.customer.table.c.store_id == scope.store_id, *self.conditions(scope)

    def ids(self, *more: ColumnElement[bool], scope: FilterScope) -> Select[int]:
        return select(self.customer).where(*self.where(scope), *more).correlate(None)

    def as_rows(self, scope: FilterScope) -> Rows:
        return Rows(self.customer, self.customer, self.where(scope), self.selectivity)


@dataclass(frozen=True, slots=True)
class ChildValue:
    """A value of each row."""

    rows: ChildRows
    column: Column

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> IdSet:
        matches = self.column.matches(condition.operator, condition.values, scope)
        return IdSet(self.rows.ids(matches, scope=scope), self.rows.selectivity)


@dataclass(frozen=True, slots=True)
class HasRows:
    """Whether there is such a row."""

    rows: ChildRows

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate:
        if len(set(condition.values)) == 2:
            return ALWAYS
        return IdSet(self.rows.ids(scope=scope), self.rows.selectivity, negated=True not in condition.values)


@dataclass(frozen=True, slots=True)
class RowCount:
    """How many such rows there are."""

    rows: ChildRows

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate:
        return having_count(self.rows.as_rows(scope), intervals(condition.operator, condition.values))


@dataclass(frozen=True, slots=True)
class RowSum:
    """What the rows have together, 0 where there is none; `scale` of the column's make one."""

    rows: ChildRows
    amount: ColumnElement[Any]
    scale: int

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> IdSet:
        total = WholeColumn(func.sum(type_coerce(self.amount, BigInteger())), self.scale)
        return having_sum(self.rows.as_rows(scope), total, condition, scope)
