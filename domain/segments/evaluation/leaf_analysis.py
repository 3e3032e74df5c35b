"""What a leaf asks of the database, what kinds of data it reads, and whether its answer changes by the hour."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import BindParameter, Column, ColumnElement, FromClause, Table, TextClause
from sqlalchemy.sql.elements import ClauseElement, False_, True_
from sqlalchemy.sql.visitors import iterate

from domain.changes import ChangeKind
from domain.changes.model import EVERYTHING
from domain.customers.tables import customer_facts, customers
from domain.segments.catalogue import Catalogue
from domain.segments.compiler.normal_form import Leaf
from domain.segments.compiler.select import condition_of
from domain.segments.sql.predicates import IdSet, Predicate, Selectivity
from domain.segments.sql.scope import FilterScope

_KINDS = {
    "customers": ChangeKind.EXISTENCE | ChangeKind.PROFILE,
    "customer_addresses": ChangeKind.PROFILE,
    "customer_tags": ChangeKind.PROFILE,
    "customer_properties": ChangeKind.PROFILE,
    "property_definitions": ChangeKind.PROFILE,
    "value_ranks": ChangeKind.PROFILE,
    # The first visit tells where a customer came from.
    "customer_origins": ChangeKind.PROFILE | ChangeKind.EVENTS,
    "contacts": ChangeKind.CONTACTS,
    "customer_facts": ChangeKind.EXISTENCE | ChangeKind.ORDERS,
    "customer_favourites": ChangeKind.ORDERS,
    "customer_scores": ChangeKind.EXISTENCE | ChangeKind.ORDERS,
    "orders": ChangeKind.ORDERS,
    "order_items": ChangeKind.ORDERS,
    "order_item_facets": ChangeKind.ORDERS,
    "events": ChangeKind.EVENTS,
    "event_counters": ChangeKind.EVENTS,
    "wallet_lots": ChangeKind.WALLETS,
    "wallet_changes": ChangeKind.WALLETS,
    "customer_coupons": ChangeKind.WALLETS,
    "lists": ChangeKind.GROUPS,
    "list_members": ChangeKind.GROUPS,
    "segment_members": ChangeKind.GROUPS,
}


@dataclass(frozen=True, slots=True)
class LeafTraits:
    """What is known of a leaf before it is asked.

    `kinds`: the data that its answer rests on, None where that is unknown; `by_the_hour`: on more of the time than its
    day; `negated`: whether the leaf finds all but those whom its SQL finds; `constant`: whether it finds
    everyone or nobody, whoever that is, and the database need not be asked; `few`: an index has
    just those whom it finds.
    """

    kinds: ChangeKind | None
    by_the_hour: bool
    negated: bool
    constant: bool | None
    few: bool


def leaf_traits(leaf: Leaf, catalogue: Catalogue, scope: FilterScope) -> LeafTraits:
    sql = condition_of(leaf, catalogue, scope)
    midnight = scope.start(0)
    other = midnight if midnight != scope.now else midnight + timedelta(hours=1)
    later = condition_of(leaf, catalogue, replace(scope, now=other))
    negated = isinstance(sql, IdSet) and sql.negated
    few = isinstance(sql, IdSet) and sql.selectivity is Selectivity.PICKED
    return LeafTraits(kinds_of(_clause(sql)), _bound(sql) != _bound(later), negated, constant(sql), few)


def kinds_asked(leaf: Leaf, catalogue: Catalogue, scope: FilterScope) -> ChangeKind:
    """The kinds of data that the answer rests on: all, where that is unknown."""
    found = kinds_of(_clause(condition_of(leaf, catalogue, scope)))
    return EVERYTHING if found is None else found


def changes_with_the_day(leaf: Leaf, catalogue: Catalogue, scope: FilterScope) -> bool:
    """Whether the mere passing of time can change the answer."""
    tomorrow = replace(scope, now=scope.start(1) + timedelta(hours=1))
    return _bound(condition_of(leaf, catalogue, scope)) != _bound(condition_of(leaf, catalogue, tomorrow))


def kinds_of(clause: ClauseElement) -> ChangeKind | None:
    found = ChangeKind(0)
    for each in iterate(clause):
        if isinstance(each, TextClause):
            return None
        table: Any = getattr(each, "table", each)
        if isinstance(table, Table):
            kinds = _KINDS.get(str(table.name))
            if kinds is None:
                return None
            found |= kinds
    return found


def base_of(predicates: Iterable[ColumnElement[bool]]) -> tuple[FromClause, ColumnElement[int]]:
    """The rows that predicates on customers and their facts need, and the column that names the customer."""
    named: list[Any] = [each for one in predicates for each in iterate(one) if isinstance(each, Column)]
    used = {each.table for each in named}
    if customers not in used:
        return customer_facts, customer_facts.c.customer_id
    return (both() if customer_facts in used else customers), customers.c.id


def both() -> FromClause:
    same = (customer_facts.c.store_id == customers.c.store_id) & (customer_facts.c.customer_id == customers.c.id)
    return customers.join(customer_facts, same)


def of_store(rows: FromClause, scope: FilterScope) -> tuple[ColumnElement[bool], ...]:
    tables = (customer_facts,) if rows is customer_facts else (customers,)
    return tuple(table.c.store_id == scope.store_id for table in tables)


def _clause(compiled: Predicate) -> ClauseElement:
    return compiled.ids if isinstance(compiled, IdSet) else compiled.condition


def constant(compiled: Predicate) -> bool | None:
    """Whether it finds everyone or nobody, whoever that is; None where the database must be asked."""
    if isinstance(compiled, IdSet):
        return None
    return True if isinstance(compiled.condition, True_) else False if isinstance(compiled.condition, False_) else None


def _bound(compiled: Predicate) -> list[str]:
    bound: list[Any] = [each for each in iterate(_clause(compiled)) if isinstance(each, BindParameter)]
    return [repr(each.value) for each in bound]
