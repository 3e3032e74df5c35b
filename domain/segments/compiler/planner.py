"""Plans one SELECT of customer ids: predicates and id sets narrow customers' rows, or the smallest set gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, Select, and_, exists, literal, not_, select, union
from sqlalchemy.sql.visitors import iterate

from domain.customers.tables import customer_facts, customers
from domain.segments.compiler.normal_form import Node
from domain.segments.sql.predicates import IdSet, Selectivity, partial_index_ids
from domain.segments.sql.scope import FilterScope


@dataclass(frozen=True, slots=True)
class Conjuncts:
    """The parts of a filter's AND. `alternatives` mix predicates with id sets: the rest narrows the customers first."""

    predicates: tuple[ColumnElement[bool], ...]
    id_sets: tuple[IdSet, ...]
    alternatives: tuple[Node, ...] = ()


def cost(id_set: IdSet) -> tuple[bool, Selectivity]:
    """Return the key by which sets are sorted: small ones first, negated ones last."""
    return id_set.negated, id_set.selectivity


def union_of(id_sets: Sequence[IdSet]) -> IdSet:
    """Return one set of all customers in the sets, of which none is negated."""
    if len(id_sets) == 1:
        return id_sets[0]
    # Not UNION ALL: of what that gives, PostgreSQL would expect 200 different customers.
    together = union(*(id_set.ids for id_set in id_sets)).subquery()
    largest = max(id_set.selectivity for id_set in id_sets)
    return IdSet(select(together.c[0]).correlate(None), largest, distinct=True)


def in_set(id_set: IdSet, customer: ColumnElement[Any], scope: FilterScope) -> ColumnElement[bool]:
    """Return the set as IN or NOT IN. PostgreSQL hashes it where it expects it to fit: fewer when they are distinct."""
    ids = _distinct(id_set) if scope.dialect == "postgresql" else id_set.ids
    return customer.not_in(ids) if id_set.negated else customer.in_(ids)


def _distinct(id_set: IdSet) -> Select[int]:
    return id_set.ids if id_set.distinct else id_set.ids.distinct()


def select_customers(
    conjuncts: Conjuncts, scope: FilterScope, columns: Sequence[ColumnElement[bool]] = ()
) -> Select[*tuple[Any, ...]]:
    """Return a statement of the live customers that predicates and id sets leave, with further columns of each."""
    elements = [element for clause in (*conjuncts.predicates, *columns) for element in iterate(clause)]
    tables = {element.table for element in elements if isinstance(element, Column)} & {customers, customer_facts}
    smallest, id_sets = next(iter(conjuncts.id_sets), None), conjuncts.id_sets
    rows: FromClause
    of_store: tuple[ColumnElement[bool], ...] = ()
    if not tables and smallest is not None and not smallest.negated:
        # No row is of a customer who is not there: those of a set need not be looked up among the others.
        rows, id_sets = _distinct(smallest).subquery("those"), id_sets[1:]
        customer = rows.c[0]
    elif customers not in tables:
        # Every customer has a row of facts.
        rows, customer = customer_facts, customer_facts.c.customer_id
        of_store = (customer_facts.c.store_id == scope.store_id,)
    else:
        same = and_(customer_facts.c.store_id == customers.c.store_id, customer_facts.c.customer_id == customers.c.id)
        rows = customers.join(customer_facts, same) if customer_facts in tables else customers
        customer, of_store = customers.c.id, (customers.c.store_id == scope.store_id,)
    # Few are, and an index has them: customers' own rows need not be read for it.
    deleted_ids = partial_index_ids("deleted_at IS NOT NULL", scope)
    deleted = IdSet(deleted_ids, Selectivity.PICKED, negated=True, distinct=True)
    memberships: list[ColumnElement[bool]] = []
    for id_set in (*id_sets, deleted):
        # PostgreSQL joins a set at the top in this form: IN, or NOT EXISTS for a negated one.
        if scope.dialect != "postgresql":
            memberships.append(in_set(id_set, customer, scope))
        elif id_set.negated:
            excluded = id_set.ids.subquery()
            matching = select(literal(1)).where(excluded.c[0] == customer).correlate(customer.table)
            memberships.append(not_(exists(matching)))
        else:
            memberships.append(customer.in_(id_set.ids))
    return select(customer, *columns).select_from(rows).where(*of_store, *conjuncts.predicates, *memberships)
