"""Conditions on rows of another table that belong to customers: one row that fulfils them is enough."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, func, literal_column, select, type_coerce

from domain.kit.db.portable import exact_sum
from domain.segments.filters import AttributeCondition
from domain.segments.sql.behaviors.aggregates import Rows, having_count, having_sum
from domain.segments.sql.columns.values import Column, WholeColumn, intervals, scaled
from domain.segments.sql.predicates import ALWAYS, IdSet, Predicate, Selectivity
from domain.segments.sql.projections import RelatedValues
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

    def ids(self, *clauses: ColumnElement[bool], scope: FilterScope) -> Select[int]:
        return select(self.customer).where(*self.where(scope), *clauses).correlate(None)

    def as_rows(self, scope: FilterScope) -> Rows:
        return Rows(self.customer, self.customer, self.where(scope), self.selectivity)

    def values(self, column: Column, scope: FilterScope) -> RelatedValues | None:
        """Return the different values that a column has in a customer's rows; None where it has none to show."""
        value = column.value(scope)
        if value is None:
            return None
        rows = select(self.customer, value.expression).where(*self.where(scope), value.expression.is_not(None))
        return RelatedValues(rows.distinct(), self.customer, value.decode)


@dataclass(frozen=True, slots=True)
class ChildValue:
    """A value of each row."""

    rows: ChildRows
    column: Column

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> IdSet:
        matches = self.column.matches(condition.operator, condition.values, scope)
        return IdSet(self.rows.ids(matches, scope=scope), self.rows.selectivity)

    def value(self, scope: FilterScope) -> RelatedValues | None:
        return self.rows.values(self.column, scope)


@dataclass(frozen=True, slots=True)
class HasRows:
    """True for customers with such a row, and false for the others."""

    rows: ChildRows

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate:
        if len(set(condition.values)) == 2:
            return ALWAYS
        return IdSet(self.rows.ids(scope=scope), self.rows.selectivity, negated=True not in condition.values)

    def value(self, scope: FilterScope) -> RelatedValues:
        customer = self.rows.customer
        rows = select(customer, literal_column("1", Integer())).where(*self.rows.where(scope)).distinct()
        return RelatedValues(rows, customer, bool, default=False)


@dataclass(frozen=True, slots=True)
class RowCount:
    """The number of such rows."""

    rows: ChildRows

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate:
        return having_count(self.rows.as_rows(scope), intervals(condition.operator, condition.values))

    def value(self, scope: FilterScope) -> RelatedValues:
        customer = self.rows.customer
        counts = select(customer, func.count()).where(*self.rows.where(scope)).group_by(customer)
        return RelatedValues(counts, customer, int, default=0)


@dataclass(frozen=True, slots=True)
class RowSum:
    """The sum of an amount over the rows, 0 where there is none; `scale` units of the amount make one."""

    rows: ChildRows
    amount: ColumnElement[Any]
    scale: int

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> IdSet:
        total = WholeColumn(exact_sum(type_coerce(self.amount, BigInteger()), scope.dialect), self.scale)
        return having_sum(self.rows.as_rows(scope), total, condition, scope)

    def value(self, scope: FilterScope) -> RelatedValues:
        customer = self.rows.customer
        total = exact_sum(type_coerce(self.amount, BigInteger()), scope.dialect)
        sums = select(customer, total).where(*self.rows.where(scope)).group_by(customer)
        return RelatedValues(sums, customer, lambda raw: scaled(raw, self.scale), default=0)
