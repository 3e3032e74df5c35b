# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What a statement is made of, SQLAlchemy types for nobody but its compiler.
"""A statement on several tables of customers joins them by the customer: it can run where that one's rows are."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import (
    CTE,
    Alias,
    BinaryExpression,
    ClauseElement,
    Column,
    ColumnElement,
    FromClause,
    Insert,
    Select,
    Subquery,
    Table,
    TextClause,
    Tuple,
)
from sqlalchemy.sql import operators
from sqlalchemy.sql.visitors import iterate

from domain.migrations.tables import metadata
from tests.statement_parts import Froms, conjuncts, correlated, parts

# Of many rows whose key is not the customer's: where they are, a customer's rows are not.
_OTHER_KEYS = {"event_customers", "order_customers", "import_customers", "import_matches", "import_order_rows"}
_MEMBERSHIP = {operators.in_op, operators.not_in_op}

# Functions whose statements are not local to a customer, with the reason of each.
NOT_LOCAL: Mapping[str, str] = {
    "api/doctor/check.py: wrong_rows_of_all_stores": "doctor asks for each store that has rows of a table once",
    "api/doctor/check.py: wrong_rows": "doctor compares orders and events with the tables of their ids",
    "api/doctor/segments.py: _ids_of_nothing": "doctor asks for each list and segment that has members once",
    "domain/changes/queries.py: record_change": "a file's rows, or the ids of new events, say who has changed",
    "domain/changes/queries.py: record_future_changes": "orders are dated ahead, which a file names by their ids",
    "domain/customers/own_addresses.py: drop_repeated": "a file's rows have addresses of their customers",
    "domain/imports/customers/merge.py: _objecting": "a file's rows say whose consent is looked at",
    "domain/customers/selected_writes.py: _insert": "a file's rows become customers and what belongs to them",
    "domain/customers/selected_writes.py: _upsert": "a file's rows say whose facts and properties are replaced",
    "domain/customers/selected_writes.py: add": "the customers whom a file has brought have no facts yet",
    "domain/customers/selected_writes.py: merge_addresses": "a file's rows say whose contacts are merged",
    "domain/customers/selected_writes.py: merge_contacts": "a file's rows say whose contacts are merged",
    "domain/customers/selected_writes.py: update_and_restore": "a file's rows say what their customers are now",
    "domain/customers/tags.py: add_selected_tags": "a file's rows have tags of their customers",
    "domain/customers/tags.py: remove_selected_tags": "a file's rows say whose tags are replaced",
    "domain/customers/writes.py: clear_invalid": "a file's rows have new addresses of their customers",
    "domain/events/log.py: _append_select": "an event's id is unique in the store, whoever has the event",
    "domain/events/log.py: add_to_counters": "those events are counted whose ids the store did not have",
    "domain/imports/orders/assembly.py: assemble": "a file's rows name customers and orders by ids and addresses",
    "domain/imports/orders/format.py: _leave_out": "a file's rows name orders by id",
    "domain/imports/orders/merge.py: _apply_changes": "the subject of an event names an order, of whichever customer",
    "domain/imports/orders/notices.py: _unknown_customers": "a file's rows name orders by id",
    "domain/imports/orders/strangers.py: _add_known_by": "a file's rows name orders and customers by ids and addresses",
    "domain/imports/orders/strangers.py: _erased_since": "a file's rows name orders by id",
    "domain/imports/orders/strangers.py: _find": "a file's rows name orders and customers by ids and addresses",
    "domain/orders/recount.py: _with_changes": "an event names an order, of whichever customer",
    "domain/imports/customers/merge.py: merge": "rows are staged, not yet customers",
    "domain/imports/customers/merge.py: _match": "a file names customers by external id, e-mail address or phone",
    "domain/imports/customers/merge.py: _postpone_repeated": "a part's rows of one customer are merged in turn",
    "domain/lists/queries.py: erase_members": "a batch of a list ends at a customer",
    "domain/memberships/queries.py: erase_members": "a batch of a segment ends at a customer",
    "domain/orders/changes.py: _update_orders": "the subject of an event names an order, of whichever customer",
    "domain/orders/writes.py: _delete_items": "a file names orders by id, and an order may have had another customer",
    "domain/orders/writes.py: add_selected_facets": "a file's rows have tags of their items",
    "domain/orders/writes.py: add_selected_items": "a file's rows become items",
    "domain/orders/writes.py: assign": "an order's id is unique in the store, whoever has the order",
    "domain/orders/writes.py: put_selected": "a file's rows become orders",
    "domain/segments/queries.py: _distinct_values": "the catalogue asks for each value of the store once",
    "domain/segments/queries.py: erase_members": "a batch of a static segment ends at a customer",
}


def apart(statement: ClauseElement) -> set[str]:
    """Return the tables of customers that a statement brings together by something else than the customer."""
    names = {table.name for table in _tables(statement)}
    if isinstance(statement, TextClause):
        return names if len(names) > 1 else set()
    together = {name for name in names if name in _OTHER_KEYS}
    if together and names - together:
        return names
    return {name for tables in _apart(statement, frozenset(), set()) for name in tables}


def _tables(element: ClauseElement) -> Iterator[Table]:
    """Yield all tables of customers in a statement, those of other keys too."""
    if isinstance(element, TextClause):
        words = set(element.text.replace("(", " ").replace(".", " ").split())
        candidates: Iterable[Any] = (table for name, table in metadata.tables.items() if name in words)
    else:
        candidates = (part for part in iterate(element) if isinstance(part, Table))
        if isinstance(element, Insert):
            candidates = [*candidates, element.table]
    return (table for table in candidates if table.name in _OTHER_KEYS or _is_of_customers(table))


def _is_of_customers(table: Table) -> bool:
    names = set(table.primary_key.columns.keys())
    return {"store_id", _key(table)} <= names


def _key(table: Table) -> str:
    return "id" if table.name == "customers" else "customer_id"


def _is_key(column: Any) -> bool:
    """Return whether a column, be it of a table or of what is derived from one, says whose its row is."""
    bases = column.base_columns if isinstance(column, ColumnElement) else ()
    return any(isinstance(base, Column) and base.name == _key(base.table) for base in bases)


def _apart(element: ClauseElement, enclosing: Froms, done: set[int]) -> Iterator[set[str]]:
    if isinstance(element, Table | Alias):
        return
    if isinstance(element, Subquery | CTE):
        if id(element) in done:
            return
        done.add(id(element))
        enclosing = frozenset()
    froms, criteria = parts(element)
    outer = correlated(element, enclosing) & _referred(element)
    own = froms - outer
    groups = _Groups(own, outer)
    for criterion in conjuncts(criteria):
        if isinstance(criterion, BinaryExpression):
            groups.add(criterion)
    yield from groups.apart()
    if any(_reads_customers(place) for place in own):
        yield from _unrelated_selects(criteria, own | enclosing)
    for child in element.get_children():
        yield from _apart(child, enclosing | froms, done)


def _reads_customers(place: FromClause) -> bool:
    return any(True for _ in _tables(place))


def _unrelated_selects(criteria: Iterable[Any], enclosing: Froms) -> Iterator[set[str]]:
    """Yield the tables of selects in conditions that are neither of the same customer nor a set of customers."""
    for criterion in criteria:
        pending: list[Any] = [criterion]
        while pending:
            part = pending.pop()
            if isinstance(part, BinaryExpression) and part.operator in _MEMBERSHIP and _keys_of(part.left):
                continue
            if isinstance(part, Select):
                related = correlated(part, enclosing) & enclosing & _referred(part)
                names = {table.name for table in _tables(part)}
                if names and not related:
                    yield names
                continue
            pending += [] if isinstance(part, Table | Alias | Subquery | CTE) else part.get_children()


def _referred(statement: ClauseElement) -> Froms:
    return frozenset(part.table for part in iterate(statement) if isinstance(part, Column))


def _keys_of(side: Any) -> list[FromClause]:
    columns = side.clauses if isinstance(side, Tuple) else [side]
    return [column.table for column in columns if _is_key(column)]


class _Groups:
    """The places of a statement that are of the same customer; those of an enclosing one are one place."""

    def __init__(self, own: Froms, outer: Froms) -> None:
        self._own = [place for place in own if _reads_customers(place)]
        self._outer = outer
        self._group: dict[FromClause | None, int] = {place: number for number, place in enumerate(self._own)}
        if any(_reads_customers(place) for place in outer):
            self._group[None] = -1
        self._bound: set[FromClause | None] = set()

    def add(self, criterion: BinaryExpression[Any]) -> None:
        left, right = _keys_of(criterion.left), _keys_of(criterion.right)
        if criterion.operator is operators.eq and left and right:
            self._join(self._place(left[0]), self._place(right[0]))
        elif criterion.operator is operators.eq or criterion.operator is operators.in_op:
            self._bound.update(self._place(place) for place in (*left, *right))

    def apart(self) -> Iterator[set[str]]:
        bound = {self._group.get(place) for place in self._bound}
        groups = {number for number in self._group.values() if number not in bound}
        if len(groups) > 1:
            yield {table.name for place in self._own for table in _tables(place)}

    def _place(self, place: FromClause) -> FromClause | None:
        return None if place in self._outer else place

    def _join(self, left: FromClause | None, right: FromClause | None) -> None:
        if left in self._group and right in self._group:
            old, new = self._group[left], self._group[right]
            self._group = {place: new if number == old else number for place, number in self._group.items()}
