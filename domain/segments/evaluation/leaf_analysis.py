"""What a leaf asks of the database, what kinds of data it reads, and whether its answer changes by the hour."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import BindParameter, Column, ColumnElement, FromClause, Table, TextClause
from sqlalchemy.sql.elements import ClauseElement, False_, True_
from sqlalchemy.sql.visitors import iterate

from domain.changes import Kind
from domain.changes.model import EVERYTHING
from domain.customers.tables import customer_facts, customers
from domain.segments.catalogue import Catalogue
from domain.segments.compiler.normal_form import Leaf
from domain.segments.compiler.select import condition_of
from domain.segments.sql.predicates import Compiled, Members, Spread
from domain.segments.sql.scope import Scope

_KINDS = {
    "customers": Kind.EXISTENCE | Kind.PROFILE,
    "customer_addresses": Kind.PROFILE,
    "customer_tags": Kind.PROFILE,
    "customer_properties": Kind.PROFILE,
    "property_definitions": Kind.PROFILE,
    "value_ranks": Kind.PROFILE,
    # The first visit tells where a customer came from.
    "customer_origins": Kind.PROFILE | Kind.EVENTS,
    "contacts": Kind.CONTACTS,
    "customer_facts": Kind.EXISTENCE | Kind.ORDERS,
    "customer_favourites": Kind.ORDERS,
    "customer_scores": Kind.EXISTENCE | Kind.ORDERS,
    "orders": Kind.ORDERS,
    "order_items": Kind.ORDERS,
    "order_item_facets": Kind.ORDERS,
    "events": Kind.EVENTS,
    "event_tallies": Kind.EVENTS,
    "wallet_lots": Kind.WALLETS,
    "wallet_changes": Kind.WALLETS,
    "customer_coupons": Kind.WALLETS,
    "lists": Kind.GROUPS,
    "list_members": Kind.GROUPS,
    "segment_members": Kind.GROUPS,
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is known of a leaf before it is asked.

    `kinds`: the data that its answer rests on, None where that is unknown; `by_the_hour`: on more of the time than its
    day; `holds`: whether the leaf finds those whom its SQL finds, or all the others; `constant`: whether it finds
    everyone or nobody, whoever that is, and the database need not be asked; `few`: an index has
    just those whom it finds.
    """

    kinds: Kind | None
    by_the_hour: bool
    holds: bool
    constant: bool | None
    few: bool


def question(leaf: Leaf, catalogue: Catalogue, scope: Scope) -> Question:
    sql = condition_of(leaf, catalogue, scope)
    midnight = scope.start(0)
    other = midnight if midnight != scope.now else midnight + timedelta(hours=1)
    later = condition_of(leaf, catalogue, replace(scope, now=other))
    holds = not isinstance(sql, Members) or sql.holds
    few = isinstance(sql, Members) and sql.spread is Spread.PICKED
    return Question(kinds_of(_clause(sql)), _bound(sql) != _bound(later), holds, constant(sql), few)


def kinds_asked(leaf: Leaf, catalogue: Catalogue, scope: Scope) -> Kind:
    """The kinds of data that the answer rests on: all, where that is unknown."""
    found = kinds_of(_clause(condition_of(leaf, catalogue, scope)))
    return EVERYTHING if found is None else found


def changes_with_the_day(leaf: Leaf, catalogue: Catalogue, scope: Scope) -> bool:
    """Whether the mere passing of time can change the answer."""
    tomorrow = replace(scope, now=scope.start(1) + timedelta(hours=1))
    return _bound(condition_of(leaf, catalogue, scope)) != _bound(condition_of(leaf, catalogue, tomorrow))


def kinds_of(clause: ClauseElement) -> Kind | None:
    found = Kind(0)
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


def of_store(rows: FromClause, scope: Scope) -> tuple[ColumnElement[bool], ...]:
    tables = (customer_facts,) if rows is customer_facts else (customers,)
    return tuple(table.c.store_id == scope.store_id for table in tables)


def _clause(compiled: Compiled) -> ClauseElement:
    return compiled.ids if isinstance(compiled, Members) else compiled.holds


def constant(compiled: Compiled) -> bool | None:
    """Whether it finds everyone or nobody, whoever that is; None where the database must be asked."""
    if isinstance(compiled, Members):
        return None
    return True if isinstance(compiled.holds, True_) else False if isinstance(compiled.holds, False_) else None


def _bound(compiled: Compiled) -> list[str]:
    bound: list[Any] = [each for each in iterate(_clause(compiled)) if isinstance(each, BindParameter)]
    return [repr(each.value) for each in bound]
