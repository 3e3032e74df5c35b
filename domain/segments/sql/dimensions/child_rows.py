"""Conditions on what is kept of a customer in rows of another table: one row that fulfils them is enough."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, func, select, type_coerce

from domain.segments.filters import Attribute
from domain.segments.sql.behaviors.aggregates import Rows, counted, summed
from domain.segments.sql.columns.values import Column, WholeColumn, intervals
from domain.segments.sql.predicates import ALWAYS, Compiled, Members, Spread
from domain.segments.sql.scope import Scope

Narrowed = Callable[[Scope], tuple[ColumnElement[bool], ...]]


def everything(_: Scope) -> tuple[ColumnElement[bool], ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows of a table that belong to customers, narrowed to those that a dimension is about."""

    customer: Any  # a table's column, whose table has a store_id too
    narrowed: Narrowed = everything
    spread: Spread = Spread.PROPERTY

    def where(self, scope: Scope) -> tuple[ColumnElement[bool], ...]:
        return self.customer.table.c.store_id == scope.store_id, *self.narrowed(scope)

    def ids(self, *more: ColumnElement[bool], scope: Scope) -> Select[int]:
        return select(self.customer).where(*self.where(scope), *more).correlate(None)

    def rows(self, scope: Scope) -> Rows:
        return Rows(self.customer, self.customer, self.where(scope), self.spread)


@dataclass(frozen=True, slots=True)
class Beside:
    """A value of each row."""

    kept: Kept
    column: Column

    def leaf(self, condition: Attribute, scope: Scope) -> Members:
        holds = self.column.holds(condition.operator, condition.values, scope)
        return Members(self.kept.ids(holds, scope=scope), self.kept.spread)


@dataclass(frozen=True, slots=True)
class Present:
    """Whether there is such a row."""

    kept: Kept

    def leaf(self, condition: Attribute, scope: Scope) -> Compiled:
        if len(set(condition.values)) == 2:
            return ALWAYS
        return Members(self.kept.ids(scope=scope), self.kept.spread, holds=True in condition.values)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many such rows there are."""

    kept: Kept

    def leaf(self, condition: Attribute, scope: Scope) -> Compiled:
        return counted(self.kept.rows(scope), intervals(condition.operator, condition.values))


@dataclass(frozen=True, slots=True)
class Total:
    """What the rows have together, 0 where there is none; `scale` of the column's make one."""

    kept: Kept
    amount: ColumnElement[Any]
    scale: int

    def leaf(self, condition: Attribute, scope: Scope) -> Members:
        total = WholeColumn(func.sum(type_coerce(self.amount, BigInteger())), self.scale)
        return summed(self.kept.rows(scope), total, condition, scope)
