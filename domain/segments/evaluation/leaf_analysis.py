"""Analyse leaves before they are asked: the kinds of data that they read, and whether time alone changes them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import BindParameter, Column, ColumnElement, FromClause, Table, TextClause
from sqlalchemy.sql.elements import False_, True_
from sqlalchemy.sql.visitors import ExternallyTraversible, iterate

from domain.changes import ChangeKind
from domain.changes.model import ALL_KINDS
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
    # Where a customer came from follows from the first visit.
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
    """The traits of a leaf that are known before it is asked.

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
    predicate = condition_of(leaf, catalogue, scope)
    midnight = scope.start(0)
    other_time = midnight if midnight != scope.now else midnight + timedelta(hours=1)
    by_the_hour = _bound_values(predicate) != _bound_values(
        condition_of(leaf, catalogue, replace(scope, now=other_time))
    )
    negated = isinstance(predicate, IdSet) and predicate.negated
    few = isinstance(predicate, IdSet) and predicate.selectivity is Selectivity.PICKED
    return LeafTraits(kinds_of(predicate), by_the_hour, negated, constant_of(predicate), few)


def kinds_asked(leaf: Leaf, catalogue: Catalogue, scope: FilterScope) -> ChangeKind:
    """Return the kinds of data that the answer rests on: all, where that is unknown."""
    kinds = kinds_of(condition_of(leaf, catalogue, scope))
    return ALL_KINDS if kinds is None else kinds


def changes_with_the_day(leaf: Leaf, catalogue: Catalogue, scope: FilterScope) -> bool:
    """Return whether the mere passing of time can change the answer."""
    tomorrow = replace(scope, now=scope.start(1) + timedelta(hours=1))
    return _bound_values(condition_of(leaf, catalogue, scope)) != _bound_values(condition_of(leaf, catalogue, tomorrow))


def kinds_of(predicate: Predicate) -> ChangeKind | None:
    """Return the kinds of data that a predicate reads, None where that is unknown."""
    kinds = ChangeKind(0)
    for element in _elements(predicate):
        if isinstance(element, TextClause):
            return None
        table: Any = getattr(element, "table", element)
        if isinstance(table, Table):
            table_kinds = _KINDS.get(str(table.name))
            if table_kinds is None:
                return None
            kinds |= table_kinds
    return kinds


def base_of(predicates: Iterable[ColumnElement[bool]]) -> tuple[FromClause, ColumnElement[int]]:
    """Return the rows that predicates on customers and their facts need, and the column that names the customer."""
    columns: list[Any] = [
        element for predicate in predicates for element in iterate(predicate) if isinstance(element, Column)
    ]
    tables = {column.table for column in columns}
    if customers not in tables:
        return customer_facts, customer_facts.c.customer_id
    return (customers_with_facts() if customer_facts in tables else customers), customers.c.id


def customers_with_facts() -> FromClause:
    same = (customer_facts.c.store_id == customers.c.store_id) & (customer_facts.c.customer_id == customers.c.id)
    return customers.join(customer_facts, same)


def of_store(rows: FromClause, scope: FilterScope) -> tuple[ColumnElement[bool], ...]:
    tables = (customer_facts,) if rows is customer_facts else (customers,)
    return tuple(table.c.store_id == scope.store_id for table in tables)


def constant_of(predicate: Predicate) -> bool | None:
    """Return whether it finds everyone or nobody, whoever that is; None where the database must be asked."""
    if isinstance(predicate, IdSet):
        return None
    return (
        True if isinstance(predicate.condition, True_) else False if isinstance(predicate.condition, False_) else None
    )


def _elements(predicate: Predicate) -> Iterator[ExternallyTraversible]:
    return iterate(predicate.ids if isinstance(predicate, IdSet) else predicate.condition)


def _bound_values(predicate: Predicate) -> list[str]:
    parameters: list[Any] = [element for element in _elements(predicate) if isinstance(element, BindParameter)]
    return [repr(parameter.value) for parameter in parameters]
