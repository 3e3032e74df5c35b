"""Match a few customers against many filters: each leaf is asked once, about those customers alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, case, literal_column, select, union_all

from domain.customers.tables import customers
from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, in_array
from domain.kit.errors import DomainError
from domain.segments.compiler.normal_form import Node, leaves
from domain.segments.compiler.select import condition_of
from domain.segments.evaluation.leaf_analysis import constant_of, customers_with_facts
from domain.segments.evaluation.resolve import ResolvedFilter
from domain.segments.evaluation.set_algebra import IdSetExpr, combine
from domain.segments.sql.predicates import IdSet, Predicate
from domain.segments.sql.scope import FilterScope

# SQLite takes 500 selects in a union, and PostgreSQL 1,664 columns in a row.
_SETS, _ROW_CONDITIONS = 100, 400
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CompiledFilters:
    """Filters with each of their leaves compiled once."""

    nodes: Mapping[UUID, Node]
    leaves: Mapping[bytes, Predicate]


def compile_filters(filters: Mapping[UUID, ResolvedFilter]) -> CompiledFilters:
    """Return the filters compiled, without those that ask for what the store no longer has."""
    compiled: dict[bytes, Predicate] = {}
    nodes: dict[UUID, Node] = {}
    for key, resolved in filters.items():
        try:
            for leaf in leaves(resolved.node):
                if leaf.key not in compiled:
                    compiled[leaf.key] = condition_of(leaf, resolved.catalogue, resolved.scope)
        except DomainError:
            continue
        nodes[key] = resolved.node
    used = {leaf.key for node in nodes.values() for leaf in leaves(node)}
    return CompiledFilters(nodes, {key: predicate for key, predicate in compiled.items() if key in used})


async def match_customers(
    tx: Transaction, filters: CompiledFilters, scope: FilterScope, ids: Sequence[int]
) -> dict[UUID, set[int]]:
    """Return which of these customers match each filter, by a number of statements that does not grow with theirs."""
    conditions: dict[bytes, ColumnElement[bool]] = {}
    sets: dict[bytes, IdSet] = {}
    expressions: dict[bytes, IdSetExpr[set[int]]] = {}
    for key, predicate in filters.leaves.items():
        constant = constant_of(predicate)
        if isinstance(predicate, IdSet):
            sets[key] = predicate
        elif constant is not None:
            expressions[key] = IdSetExpr(set[int](), negated=constant)
        else:
            conditions[key] = predicate.condition
    live, row_matches = await _match_rows(tx, scope, ids, conditions)
    expressions.update((key, IdSetExpr(matching)) for key, matching in row_matches.items())
    members: dict[bytes, set[int]] = {key: set() for key in sets}
    parameters = {"ids": array_value(ids, tx.dialect)}
    for batch in _batches(list(sets.items()), _SETS):
        branches: list[Select[*tuple[Any, ...]]] = []
        for index, (_, id_set) in enumerate(batch):
            few = id_set.ids.where(in_array(id_set.ids.selected_columns[0], "ids", scope.dialect)).subquery()
            branches.append(select(literal_column(str(index), Integer()), few.c[0]))
        for index, customer_id in await tx.execute(union_all(*branches), parameters):
            key, _ = batch[int(index)]
            members[key].add(int(customer_id))
    expressions.update((key, IdSetExpr(members[key], negated=id_set.negated)) for key, id_set in sets.items())
    matches: dict[UUID, set[int]] = {}
    for filter_id, node in filters.nodes.items():
        expression = combine(node, expressions, set[int]())
        matches[filter_id] = live - expression.ids if expression.negated else live & expression.ids
    return matches


async def _match_rows(
    tx: Transaction, scope: FilterScope, ids: Sequence[int], conditions: Mapping[bytes, ColumnElement[bool]]
) -> tuple[set[int], dict[bytes, set[int]]]:
    """Return who of the customers is live, and who matches each condition on customers' own rows."""
    live: set[int] = set()
    matches: dict[bytes, set[int]] = {key: set() for key in conditions}
    parameters = {"ids": array_value(ids, tx.dialect)}
    among_ids = (customers.c.store_id == scope.store_id, in_array(customers.c.id, "ids", tx.dialect))
    for batch in _batches(list(conditions.items()), _ROW_CONDITIONS) if conditions else [[]]:
        columns = [case((condition, 1), else_=0).label(f"fact_{index}") for index, (_, condition) in enumerate(batch)]
        rows = select(customers.c.id, customers.c.deleted_at, *columns).select_from(customers_with_facts())
        for customer_id, deleted_at, *values in await tx.execute(rows.where(*among_ids), parameters):
            if deleted_at is None:
                live.add(customer_id)
            for (key, _), value in zip(batch, values, strict=True):
                if value:
                    matches[key].add(int(customer_id))
    return live, matches


def _batches(items: list[T], size: int) -> Iterator[list[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
