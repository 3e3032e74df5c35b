"""The two forms of a condition in SQL: a predicate on the customer's row, and a set of ids."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, false, literal_column, not_, select, true

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
    """The customers whose id the statement selects; `negated`: all the others. `distinct`: it selects no id twice."""

    ids: Select[int]
    selectivity: Selectivity
    negated: bool = False
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class RowPredicate:
    """A predicate on the customer's row, or on the row of their facts; NULL where there is no value counts as false."""

    condition: ColumnElement[bool]


Predicate: TypeAlias = RowPredicate | IdSet


def negate(predicate: Predicate) -> Predicate:
    """Return the predicate that is true for exactly the customers for whom this one is not."""
    if isinstance(predicate, IdSet):
        return replace(predicate, negated=not predicate.negated)
    return RowPredicate(is_not_true(predicate.condition))


def is_not_true(predicate: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return NOT, where NULL counts as false."""
    return not_(predicate.is_(true()))


NEVER = RowPredicate(false())


ALWAYS = RowPredicate(true())


def partial_index_ids(condition: str, scope: FilterScope) -> Select[int]:
    """Return the customers of a partial index, whose condition is written just as the index has it."""
    few = customers.alias("few")
    return select(few.c.id).where(few.c.store_id == scope.store_id, literal_column(f"few.{condition}")).correlate(None)
