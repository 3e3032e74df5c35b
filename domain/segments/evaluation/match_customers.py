"""To which of many filters each of a few customers belongs: each leaf is asked once, about those customers alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, case, literal_column, select, union_all

from domain.customers.tables import customers
from domain.kit.db import Transaction
from domain.kit.db.portable import among, numbers
from domain.kit.errors import DomainError
from domain.segments.catalogue import Catalogue
from domain.segments.compiler.normal_form import Node, leaves
from domain.segments.compiler.select import condition_of
from domain.segments.evaluation.leaf_analysis import both, constant
from domain.segments.evaluation.set_algebra import IdSetExpr, combined
from domain.segments.sql.predicates import IdSet, Predicate, RowPredicate
from domain.segments.sql.scope import FilterScope

# SQLite takes 500 selects in a union, and PostgreSQL 1,664 columns in a row.
_SETS, _FACTS = 100, 400
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CompiledFilters:
    """What filters ask, each leaf once; those that ask for what the store no longer has are `outdated`."""

    nodes: Mapping[UUID, Node]
    leaves: Mapping[bytes, Predicate]
    outdated: frozenset[UUID]


def compile_filters(nodes: Mapping[UUID, Node], catalogue: Catalogue, scope: FilterScope) -> CompiledFilters:
    compiled: dict[bytes, Predicate] = {}
    outdated: set[UUID] = set()
    for segment_id, node in nodes.items():
        try:
            for leaf in leaves(node):
                if leaf.key not in compiled:
                    compiled[leaf.key] = condition_of(leaf, catalogue, scope)
        except DomainError:
            outdated.add(segment_id)
    current = {segment_id: node for segment_id, node in nodes.items() if segment_id not in outdated}
    used = {leaf.key for node in current.values() for leaf in leaves(node)}
    return CompiledFilters(current, {key: sql for key, sql in compiled.items() if key in used}, frozenset(outdated))


async def match_customers(
    tx: Transaction, wanted: CompiledFilters, scope: FilterScope, ids: Sequence[int]
) -> dict[UUID, set[int]]:
    """Whom of these customers each filter finds, by a number of statements that does not grow with theirs."""
    found: dict[bytes, IdSetExpr[set[int]]] = {}
    facts = {
        key: sql.condition
        for key, sql in wanted.leaves.items()
        if isinstance(sql, RowPredicate) and constant(sql) is None
    }
    live = await _facts(tx, scope, ids, facts, found)
    await _sets(tx, scope, ids, {k: sql for k, sql in wanted.leaves.items() if isinstance(sql, IdSet)}, found)
    for key, sql in wanted.leaves.items():
        always = constant(sql)
        if always is not None:
            found[key] = IdSetExpr(set[int](), negated=always)
    members: dict[UUID, set[int]] = {}
    for segment_id, node in wanted.nodes.items():
        those = combined(node, found, set[int]())
        members[segment_id] = live - those.ids if those.negated else live & those.ids
    return members


async def _facts(
    tx: Transaction,
    scope: FilterScope,
    ids: Sequence[int],
    facts: Mapping[bytes, ColumnElement[bool]],
    found: dict[bytes, IdSetExpr[set[int]]],
) -> set[int]:
    """Reads the predicates off the customers' own rows, and says who of them is live."""
    handed = {"ids": numbers(ids, tx.dialect)}
    own = (customers.c.store_id == scope.store_id, among(customers.c.id, "ids", tx.dialect))
    live: set[int] = set()
    for some in _parts(list(facts.items()), _FACTS) or [[]]:
        said = [case((predicate, 1), else_=0).label(f"fact_{place}") for place, (_, predicate) in enumerate(some)]
        rows = select(customers.c.id, customers.c.deleted_at, *said).select_from(both()).where(*own)
        those = [set[int]() for _ in some]
        for customer, deleted_at, *values in await tx.execute(rows, handed):
            if deleted_at is None:
                live.add(customer)
            for place, value in enumerate(values):
                if value:
                    those[int(place)].add(int(customer))
        found.update((key, IdSetExpr(each)) for (key, _), each in zip(some, those, strict=True))
    return live


async def _sets(
    tx: Transaction,
    scope: FilterScope,
    ids: Sequence[int],
    sets: Mapping[bytes, IdSet],
    found: dict[bytes, IdSetExpr[set[int]]],
) -> None:
    handed = {"ids": numbers(ids, tx.dialect)}
    for some in _parts(list(sets.items()), _SETS):
        those: list[set[int]] = [set[int]() for _ in some]
        branches = (_branch(place, members.ids, scope) for place, (_, members) in enumerate(some))
        for place, customer in await tx.execute(union_all(*branches), handed):
            those[int(place)].add(int(customer))
        sides = zip(some, those, strict=True)
        found.update((key, IdSetExpr(each, negated=members.negated)) for (key, members), each in sides)


def _branch(place: int, ids: Select[Any], scope: FilterScope) -> Select[*tuple[Any, ...]]:
    customer = ids.selected_columns[0]
    found = ids.where(among(customer, "ids", scope.dialect)).subquery()
    return select(literal_column(str(place), Integer()), found.c[0])


def _parts(whole: list[T], size: int) -> list[list[T]]:
    return [whole[start : start + size] for start in range(0, len(whole), size)]
