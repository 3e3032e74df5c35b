"""One SELECT of customer ids: facts and sets narrow rows of customers, or the smallest set alone is those rows."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, Select, and_, exists, literal, not_, select, union
from sqlalchemy.sql.elements import KeyedColumnElement
from sqlalchemy.sql.visitors import iterate

from domain.customers.tables import customer_facts, customers
from domain.segments.compiler.normal_form import Node
from domain.segments.sql.predicates import IdSet, Selectivity, partial_index_ids
from domain.segments.sql.scope import FilterScope


@dataclass(frozen=True, slots=True)
class Conjuncts:
    """What is to hold at once."""

    facts: tuple[ColumnElement[bool], ...]
    sets: tuple[IdSet, ...]
    # Alternatives of which some are sets: asked once the rest has left fewer customers.
    mixed: tuple[Node, ...] = ()


def cost(members: IdSet) -> tuple[bool, Selectivity]:
    """Few members first, and those to be left out last."""
    return members.negated, members.selectivity


def united(members: Sequence[IdSet]) -> IdSet:
    if len(members) == 1:
        return members[0]
    # Not UNION ALL: of what that gives, PostgreSQL would expect 200 different customers.
    together = union(*(each.ids for each in members)).subquery()
    return IdSet(select(together.c[0]).correlate(None), max(each.selectivity for each in members), distinct=True)


def _distinct(members: IdSet) -> Select[int]:
    return members.ids if members.distinct else members.ids.distinct()


def among(members: IdSet, customer: ColumnElement[Any], scope: FilterScope) -> ColumnElement[bool]:
    """PostgreSQL hashes a set only where it expects that it fits: it expects fewer when they are said to differ."""
    ids = _distinct(members) if scope.dialect == "postgresql" else members.ids
    return customer.not_in(ids) if members.negated else customer.in_(ids)


def assemble(
    parts: Conjuncts, scope: FilterScope, said: Sequence[ColumnElement[bool]] = ()
) -> Select[*tuple[Any, ...]]:
    """Whom facts and sets leave, and of each of them what else is to be said."""
    used = [each for predicate in (*parts.facts, *said) for each in iterate(predicate)]
    read = {each.table for each in used if isinstance(each, Column)} & {customers, customer_facts}
    first = next(iter(parts.sets), None)
    if read or first is None or first.negated:
        base, rest = _rows(read, scope), parts.sets
    else:
        # No row is of a customer who is not there: those of a set need not be looked up among the others.
        those = _distinct(first).subquery("those")
        base, rest = _Base(those, those.c[0]), parts.sets[1:]
    # Few are, and an index has them: customers' own rows need not be read for it.
    deleted = IdSet(partial_index_ids("deleted_at IS NOT NULL", scope), Selectivity.PICKED, negated=True, distinct=True)
    conjuncts = (_conjunct(members, base.customer, scope) for members in (*rest, deleted))
    found = select(base.customer).select_from(base.rows).where(*base.own, *parts.facts, *conjuncts)
    return found.add_columns(*said)


@dataclass(frozen=True, slots=True)
class _Base:
    """The rows that are narrowed, one for each customer."""

    rows: FromClause
    customer: KeyedColumnElement[int]
    own: tuple[ColumnElement[bool], ...] = ()


def _rows(read: Set[FromClause], scope: FilterScope) -> _Base:
    """The customers' own rows only where they are read; every customer has a row of facts."""
    if customers not in read:
        return _Base(customer_facts, customer_facts.c.customer_id, (customer_facts.c.store_id == scope.store_id,))
    own = (customers.c.store_id == scope.store_id,)
    if customer_facts not in read:
        return _Base(customers, customers.c.id, own)
    same = and_(customer_facts.c.store_id == customers.c.store_id, customer_facts.c.customer_id == customers.c.id)
    return _Base(customers.join(customer_facts, same), customers.c.id, own)


def _conjunct(members: IdSet, customer: KeyedColumnElement[int], scope: FilterScope) -> ColumnElement[bool]:
    """At the top, PostgreSQL joins: IN to those who are in a set, NOT EXISTS away from them."""
    if scope.dialect != "postgresql":
        return among(members, customer, scope)
    if not members.negated:
        return customer.in_(members.ids)
    left_out = members.ids.subquery()
    return not_(exists(select(literal(1)).where(left_out.c[0] == customer).correlate(customer.table)))
