"""The two forms of a condition in SQL: a predicate on the customer's row, and a set of ids."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, TypeAlias

from sqlalchemy import ColumnClause, ColumnElement, Select, exists, false, literal, literal_column, not_, select, true
from sqlalchemy.sql.elements import KeyedColumnElement

from domain.customers.tables import customers
from domain.segments.sql.scope import FilterScope


class Selectivity(IntEnum):
    """About how many customers a set has: the fewer, the sooner it is joined."""

    PICKED = 1
    PRODUCT = 2
    CATEGORY = 3
    PROPERTY = 4
    TAG = 5
    WINDOW = 6
    CONSENT = 7
    LOG = 8


@dataclass(frozen=True, slots=True)
class IdSet:
    """The customers whose id the statement selects; `negated`: all the others. `distinct`: it selects no id twice.

    Some are also those who fulfil each of the `conjuncts`, and who fulfil one of the `alternatives`: among other
    conditions on customers' rows, these cost less.
    """

    ids: Select[int]
    selectivity: Selectivity
    negated: bool = False
    distinct: bool = False
    conjuncts: tuple["Predicate", ...] = ()
    alternatives: tuple["Predicate", ...] = ()


@dataclass(frozen=True, slots=True)
class RowPredicate:
    """A predicate on the customer's row, or on the row of their facts; NULL where there is no value counts as false."""

    condition: ColumnElement[bool]


Predicate: TypeAlias = RowPredicate | IdSet


def negate(predicate: Predicate) -> Predicate:
    """Return the predicate that is true for exactly the customers for whom this one is not."""
    if isinstance(predicate, IdSet):
        return replace(
            predicate,
            negated=not predicate.negated,
            conjuncts=tuple(negate(alternative) for alternative in predicate.alternatives),
            alternatives=tuple(negate(conjunct) for conjunct in predicate.conjuncts),
        )
    return RowPredicate(is_not_true(predicate.condition))


def membership(
    id_set: IdSet, customer: ColumnClause[int] | KeyedColumnElement[Any], scope: FilterScope
) -> ColumnElement[bool]:
    """Return the condition that a customer is of the set, in the form that the database plans best under an AND."""
    if not id_set.negated:
        return customer.in_(id_set.ids)
    if scope.dialect != "postgresql":
        return customer.not_in(id_set.ids)
    # PostgreSQL joins it in this form.
    excluded = id_set.ids.subquery()
    return not_(exists(select(literal(1)).where(excluded.c[0] == customer).correlate(customer.table)))


def is_not_true(predicate: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return NOT, where NULL counts as false."""
    return not_(predicate.is_(true()))


NEVER = RowPredicate(false())


ALWAYS = RowPredicate(true())


def partial_index_ids(condition: str, scope: FilterScope) -> Select[int]:
    """Return the customers of a partial index, whose condition is written just as the index has it."""
    few = customers.alias("few")
    return select(few.c.id).where(few.c.store_id == scope.store_id, literal_column(f"few.{condition}")).correlate(None)
