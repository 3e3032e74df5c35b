"""Merges the tags, properties and contacts of a part's staged customers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
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
from domain.imports.customers.part import StagedCustomers
from domain.imports.tables import import_customers
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into
from domain.kit.values import ValueType

SOURCE = "import"
_staged = import_customers.c


async def merge(tx: Transaction, staged: StagedCustomers, columns: Sequence[str], now: datetime) -> None:
    """Write what the file's columns bring; a customer whose cell is empty keeps what there is."""
    if "tags" in columns:
        await _tags(tx, staged, now)
    if any(name.startswith("property.") for name in columns):
        await _properties(tx, staged)
    if any(name.startswith(("consent.", "contact.")) for name in columns):
        await _contacts(tx, staged, now)


class _JsonItems:
    """The objects of a staged JSON list, one a row, and their keys its columns."""

    def __init__(self, tx: Transaction, json_list: ColumnElement[str], types: Mapping[str, TypeEngine[Any]]) -> None:
        self.table: TableValuedAlias
        if tx.dialect == "postgresql":
            columns = [column(name, kind) for name, kind in types.items()]
            # One reading of the JSON for all its keys.
            record = func.json_to_recordset(cast(json_list, JSON)).table_valued(*columns, name="item")
            self.table = record.render_derived(with_types=True)
            self.c: dict[str, ColumnElement[Any]] = {name: self.table.c[name] for name in types}
        else:
            self.table = func.json_each(json_list).table_valued(column("value", String), name="item")
            value = self.table.c.value
            self.c = {name: type_coerce(func.json_extract(value, f"$.{name}"), kind) for name, kind in types.items()}


def _select(staged: StagedCustomers, items: _JsonItems, *columns: ColumnElement[Any]) -> Select[Any]:
    keys: list[ColumnElement[Any]] = [literal(staged.store_id), staged.id]
    return select(*keys, *columns).select_from(staged.source.join(items.table, true())).where(staged.rows)


async def _tags(tx: Transaction, staged: StagedCustomers, now: datetime) -> None:
    """Give the customers the tags of their rows and no others."""
    items = _JsonItems(tx, _staged.tags, {"tag": String()})
    tag = items.c["tag"]
    if staged.added is not None:
        tags = customer_tags.c
        tagged = select(staged.id).select_from(staged.source).where(staged.rows, _staged.tags.is_not(None))
        same = select(literal(1)).select_from(staged.source.join(items.table, true())).where(staged.rows)
        stays = exists(same.where(staged.id == tags.customer_id, tag == tags.tag))
        is_removed = and_(tags.store_id == staged.store_id, tags.customer_id.in_(tagged.where(~staged.added)), ~stays)
        removed = select(tags.customer_id, tags.tag).where(is_removed)
        await log.append_for(tx, staged.store_id, REMOVED, removed, now)
        await tx.execute(delete(customer_tags).where(is_removed))
    rows = _select(staged, items, tag, literal(SOURCE), literal(now, customer_tags.c.added_at.type))
    statement = _insert(tx, customer_tags, ["tag", "source", "added_at"], rows)
    await tx.execute(statement if staged.added is None else statement.on_conflict_do_nothing())


async def _properties(tx: Transaction, staged: StagedCustomers) -> None:
    types = {kind.column: customer_properties.c[kind.column].type for kind in ValueType}
    items = _JsonItems(tx, _staged.properties, {"key": String(), **types})
    definition = property_definitions.c
    values = [case((definition.type == kind.value, items.c[kind.column]), else_=null()) for kind in ValueType]
    is_defined = and_(definition.store_id == staged.store_id, definition.key == items.c["key"])
    keys: list[ColumnElement[Any]] = [literal(staged.store_id), staged.id, definition.id]
    source = staged.source.join(items.table, true()).join(property_definitions, is_defined)
    rows = select(*keys, *values).select_from(source).where(staged.rows)
    columns = [kind.column for kind in ValueType]
    statement = _insert(tx, customer_properties, ["property_id", *columns], rows)
    if staged.added is not None:
        before, after = customer_properties.c, statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=list(customer_properties.primary_key.columns),
            set_={name: after[name] for name in columns},
            where=or_(*(before[name].is_distinct_from(after[name]) for name in columns)),
        )
    await tx.execute(statement)


async def _contacts(tx: Transaction, staged: StagedCustomers, now: datetime) -> None:
    items = _JsonItems(tx, _staged.contacts, dict.fromkeys(("channel", "address", "consent"), String()))
    channel, address, consent = items.c.values()
    is_answer = consent != Consent.NOT_SUBSCRIBED.value
    moment = case((is_answer, literal(now, contacts.c.consent_at.type)), else_=null())
    source = case((is_answer, literal(SOURCE)), else_=null())
    rows = _select(staged, items, channel, address, consent, moment, source, false())
    names = ["channel", "address", "consent", "consent_at", "consent_source", "invalid"]
    statement = _insert(tx, contacts, names, rows)
    if staged.added is not None:
        # A file moves a consent up only, as `imported_consent` does.
        before, after = contacts.c, statement.excluded
        is_higher = _rank(after.consent) > _rank(before.consent)
        has_moved = and_(after.address.is_not(None), before.address.is_distinct_from(after.address))
        values: dict[str, ColumnElement[Any]] = {
            name: case((is_higher, after[name]), else_=before[name])
            for name in ("consent", "consent_at", "consent_source")
        }
        values["address"] = func.coalesce(after.address, before.address)
        values["invalid"] = case((has_moved, false()), else_=before.invalid)
        statement = statement.on_conflict_do_update(
            index_elements=list(contacts.primary_key.columns), set_=values, where=or_(is_higher, has_moved)
        )
    await tx.execute(statement)


def _rank(consent: ColumnElement[str]) -> ColumnElement[int]:
    return case((consent == Consent.UNSUBSCRIBED.value, 2), (consent == Consent.SUBSCRIBED.value, 1), else_=0)


def _insert(tx: Transaction, table: Table, names: Sequence[str], rows: Select[Any]) -> Any:
    """Return the INSERT of the rows. Where the store knew no customer of the part, it can conflict with no row."""
    return insert_into(table, tx.dialect).from_select(["store_id", "customer_id", *names], rows)
