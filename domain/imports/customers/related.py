"""Gives a part's customers their tags, properties and contacts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    FromClause,
    Select,
    String,
    Table,
    TableValuedAlias,
    and_,
    case,
    cast,
    column,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.types import TypeEngine

from domain.customers.model import Consent
from domain.customers.tables import contacts, customer_properties, customer_tags, property_definitions
from domain.customers.tags import REMOVED
from domain.events import log
from domain.imports.tables import import_customers
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into
from domain.kit.values import ValueType

SOURCE = "import"
_staged = import_customers.c


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose each row of a part is; `added` where the store knew some of them."""

    store_id: int
    source: FromClause
    id: ColumnElement[int]
    rows: ColumnElement[bool]
    added: ColumnElement[bool] | None


async def merge(tx: Transaction, owners: Owners, columns: Sequence[str], now: datetime) -> None:
    if "tags" in columns:
        await _tags(tx, owners, now)
    if any(name.startswith("property.") for name in columns):
        await _properties(tx, owners)
    if any(name.startswith(("consent.", "contact.")) for name in columns):
        await _contacts(tx, owners, now)


class _Items:
    """The objects of a staged JSON list, one a row, and their keys its columns."""

    def __init__(self, tx: Transaction, staged: ColumnElement[str], kinds: Mapping[str, TypeEngine[Any]]) -> None:
        self.table: TableValuedAlias
        if tx.dialect == "postgresql":
            columns = [column(name, kind) for name, kind in kinds.items()]
            # One reading of the JSON for all its keys.
            record = func.json_to_recordset(cast(staged, JSON)).table_valued(*columns, name="item")
            self.table = record.render_derived(with_types=True)
            self.c: dict[str, ColumnElement[Any]] = {name: self.table.c[name] for name in kinds}
        else:
            self.table = func.json_each(staged).table_valued(column("value", String), name="item")
            value = self.table.c.value
            self.c = {n: type_coerce(func.json_extract(value, f"$.{n}"), kind) for n, kind in kinds.items()}


def _rows(owners: Owners, items: _Items, *columns: ColumnElement[Any]) -> Select[Any]:
    given: list[ColumnElement[Any]] = [literal(owners.store_id), owners.id, *columns]
    return select(*given).select_from(owners.source.join(items.table, true())).where(owners.rows)


async def _tags(tx: Transaction, owners: Owners, now: datetime) -> None:
    items = _Items(tx, _staged.tags, {"tag": String()})
    tag = items.c["tag"]
    if owners.added is not None:
        had = customer_tags.c
        tagged = select(owners.id).select_from(owners.source).where(owners.rows, _staged.tags.is_not(None))
        kept = select(literal(1)).select_from(owners.source.join(items.table, true())).where(owners.rows)
        stays = exists(kept.where(owners.id == had.customer_id, tag == had.tag))
        gone = and_(had.store_id == owners.store_id, had.customer_id.in_(tagged.where(~owners.added)), ~stays)
        removed = select(had.customer_id, had.tag).where(gone)
        await log.append_for(tx, owners.store_id, REMOVED, removed, now)
        await tx.execute(delete(customer_tags).where(gone))
    rows = _rows(owners, items, tag, literal(SOURCE), literal(now, customer_tags.c.added_at.type))
    await _put(tx, customer_tags, ["tag", "source", "added_at"], rows, None if owners.added is None else _keep)


async def _properties(tx: Transaction, owners: Owners) -> None:
    kinds = {kind.column: customer_properties.c[kind.column].type for kind in ValueType}
    items = _Items(tx, _staged.properties, {"key": String(), **kinds})
    definition = property_definitions.c
    values = [case((definition.type == kind.value, items.c[kind.column]), else_=null()) for kind in ValueType]
    defined = and_(definition.store_id == owners.store_id, definition.key == items.c["key"])
    given: list[ColumnElement[Any]] = [literal(owners.store_id), owners.id, definition.id, *values]
    named = owners.source.join(items.table, true()).join(property_definitions, defined)
    rows = select(*given).select_from(named).where(owners.rows)
    names = ["property_id", *(kind.column for kind in ValueType)]
    await _put(tx, customer_properties, names, rows, None if owners.added is None else _replace)


async def _contacts(tx: Transaction, owners: Owners, now: datetime) -> None:
    items = _Items(tx, _staged.contacts, dict.fromkeys(("channel", "address", "consent"), String()))
    channel, address, consent = items.c.values()
    asked = consent != Consent.NOT_SUBSCRIBED.value
    moment = case((asked, literal(now, contacts.c.consent_at.type)), else_=null())
    source = case((asked, literal(SOURCE)), else_=null())
    rows = _rows(owners, items, channel, address, consent, moment, source, false())
    names = ["channel", "address", "consent", "consent_at", "consent_source", "invalid"]
    await _put(tx, contacts, names, rows, None if owners.added is None else _upgrade)


def _keep(statement: Any, _: Sequence[Any]) -> Any:
    return statement.on_conflict_do_nothing()


def _replace(statement: Any, keys: Sequence[Any]) -> Any:
    had, given = customer_properties.c, statement.excluded
    names = [kind.column for kind in ValueType]
    changed = or_(*(had[name].is_distinct_from(given[name]) for name in names))
    return statement.on_conflict_do_update(
        index_elements=keys, set_={name: given[name] for name in names}, where=changed
    )


def _upgrade(statement: Any, keys: Sequence[Any]) -> Any:
    """As in `imported_consent`: a file only moves a consent up."""
    had, given = contacts.c, statement.excluded
    more = _rank(given.consent) > _rank(had.consent)
    moved = and_(given.address.is_not(None), had.address.is_distinct_from(given.address))
    names = ("consent", "consent_at", "consent_source")
    values: dict[str, ColumnElement[Any]] = {name: case((more, given[name]), else_=had[name]) for name in names}
    values["address"] = func.coalesce(given.address, had.address)
    values["invalid"] = case((moved, false()), else_=had.invalid)
    return statement.on_conflict_do_update(index_elements=keys, set_=values, where=or_(more, moved))


def _rank(consent: ColumnElement[str]) -> ColumnElement[int]:
    return case((consent == Consent.UNSUBSCRIBED.value, 2), (consent == Consent.SUBSCRIBED.value, 1), else_=0)


async def _put(
    tx: Transaction,
    table: Table,
    names: Sequence[str],
    rows: Select[Any],
    conflict: Callable[[Any, Sequence[Any]], Any] | None,
) -> None:
    """Where nobody was known, nothing can be there already, and the database need not look."""
    columns = ["store_id", "customer_id", *names]
    if conflict is None:
        await tx.execute(insert(table).from_select(columns, rows))
    else:
        statement = insert_into(table, tx.dialect).from_select(columns, rows)
        await tx.execute(conflict(statement, list(table.primary_key.columns)))
