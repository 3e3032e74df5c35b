"""The two forms that a condition takes in SQL."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, false, literal_column, not_, select, true

from domain.customers.tables import customers
from domain.segments.sql.scope import FilterScope


class Selectivity(IntEnum):
    """About how many customers a set holds: the fewer, the sooner it is asked."""

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
    """Those whose id the statement finds, or those whose id it does not. `once`: it finds none twice."""

    ids: Select[int]
    selectivity: Selectivity
    holds: bool = True
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class RowPredicate:
    """A predicate on the customer's row, or on the row of their facts; NULL where there is no value counts as false."""

    condition: ColumnElement[bool]


Predicate: TypeAlias = RowPredicate | IdSet


def negate(leaf: Predicate) -> Predicate:
    """Holds exactly for those for whom the other does not."""
    if isinstance(leaf, IdSet):
        return replace(leaf, holds=not leaf.holds)
    return RowPredicate(is_not_true(leaf.condition))


def is_not_true(predicate: ColumnElement[Any]) -> ColumnElement[bool]:
    """NOT, where NULL counts as false."""
    return not_(predicate.is_(true()))


NEVER = RowPredicate(false())


ALWAYS = RowPredicate(true())


def partial_index_ids(condition: str, scope: FilterScope) -> Select[int]:
    """Customers of a partial index, whose condition is written just as the index has it."""
    few = customers.alias("few")
    return select(few.c.id).where(few.c.store_id == scope.store_id, literal_column(f"few.{condition}")).correlate(None)
