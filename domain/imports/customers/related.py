"""Merges the tags, properties, contacts and addresses of a part's staged customers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    TableValuedAlias,
    and_,
    case,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    null,
    select,
    true,
    type_coerce,
)
from sqlalchemy.types import TypeEngine

from domain.customers import selected_writes
from domain.customers.model import Consent
from domain.customers.own_addresses import drop_repeated, own_address
from domain.customers.tables import (
    contacts,
    customer_addresses,
    customer_properties,
    customer_tags,
    property_definitions,
)
from domain.customers.tags import add_selected_tags, remove_selected_tags
from domain.imports.customers.address_columns import ADDRESS_FIELDS
from domain.imports.customers.part import StagedCustomers
from domain.imports.tables import import_customers
from domain.kit.db import Transaction
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
    if not staged.all_new and any(name in {"email", "phone"} or name.startswith("contact.") for name in columns):
        ids = select(staged.id).select_from(staged.source).where(staged.rows)
        await drop_repeated(tx, staged.store_id, ids, staged.part.key.address_kinds)
    if any(name.startswith("address.") for name in columns):
        await _addresses(tx, staged)


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


def _select(staged: StagedCustomers, source: FromClause, values: Mapping[str, ColumnElement[Any]]) -> Select[Any]:
    """Select these values for each row's customer, under their names."""
    keys: dict[str, ColumnElement[Any]] = {"store_id": literal(staged.store_id), "customer_id": staged.id}
    named = (column.label(name) for name, column in {**keys, **values}.items())
    return select(*named).select_from(source).where(staged.rows)


async def _tags(tx: Transaction, staged: StagedCustomers, now: datetime) -> None:
    """Give the customers the tags of their rows and no others."""
    items = _JsonItems(tx, _staged.tags, {"tag": String()})
    source = staged.source.join(items.table, true())
    tag = items.c["tag"]
    if staged.added is not None:
        tags = customer_tags.c
        tagged = select(staged.id).select_from(staged.source).where(staged.rows, _staged.tags.is_not(None))
        same = select(literal(1)).select_from(source).where(staged.rows)
        stays = exists(same.where(staged.id == tags.customer_id, tag == tags.tag))
        await remove_selected_tags(tx, staged.store_id, now, tags.customer_id.in_(tagged.where(~staged.added)), ~stays)
    added_at = literal(now, customer_tags.c.added_at.type)
    rows = _select(staged, source, {"tag": tag, "source": literal(SOURCE), "added_at": added_at})
    await add_selected_tags(tx, rows, all_new=staged.all_new)


async def _properties(tx: Transaction, staged: StagedCustomers) -> None:
    types = {kind.column: customer_properties.c[kind.column].type for kind in ValueType}
    items = _JsonItems(tx, _staged.properties, {"key": String(), **types})
    definition = property_definitions.c
    values = {
        kind.column: case((definition.type == kind.value, items.c[kind.column]), else_=null()) for kind in ValueType
    }
    is_defined = and_(definition.store_id == staged.store_id, definition.key == items.c["key"])
    source = staged.source.join(items.table, true()).join(property_definitions, is_defined)
    rows = _select(staged, source, {"property_id": definition.id, **values})
    await selected_writes.put_properties(tx, rows, all_new=staged.all_new)


async def _contacts(tx: Transaction, staged: StagedCustomers, now: datetime) -> None:
    items = _JsonItems(tx, _staged.contacts, dict.fromkeys(("channel", "address", "consent"), String()))
    is_answer = items.c["consent"] != Consent.NOT_SUBSCRIBED.value
    values: dict[str, ColumnElement[Any]] = {
        **items.c,
        "consent_at": case((is_answer, literal(now, contacts.c.consent_at.type)), else_=null()),
        "consent_source": case((is_answer, literal(SOURCE)), else_=null()),
        "invalid": false(),
    }
    kinds = staged.part.key.address_kinds
    if staged.all_new:
        own = own_address(items.c["channel"], _staged.email, _staged.phone, kinds)
        values["address"] = func.nullif(items.c["address"], own)
    rows = _select(staged, staged.source.join(items.table, true()), values)
    await selected_writes.merge_contacts(tx, rows, kinds, all_new=staged.all_new)


async def _addresses(tx: Transaction, staged: StagedCustomers) -> None:
    stored = customer_addresses.c
    items = _JsonItems(
        tx, _staged.addresses, {"position": Integer(), **{name: stored[name].type for name in ADDRESS_FIELDS}}
    )
    rows = _select(staged, staged.source.join(items.table, true()), items.c)
    await selected_writes.merge_addresses(tx, rows, all_new=staged.all_new)
