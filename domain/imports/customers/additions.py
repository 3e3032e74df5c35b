"""Adds customers whom the store does not have straight to their tables, from rows as they are staged."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import orjson

from domain import changes
from domain.addresses import AddressKinds
from domain.changes import ChangeKind
from domain.customers import writes
from domain.customers.fields import FIELDS
from domain.customers.model import NAMELESS, Consent, PropertyDefinition
from domain.customers.own_addresses import OWN_COLUMNS
from domain.customers.tables import (
    contacts,
    customer_addresses,
    customer_facts,
    customer_properties,
    customer_tags,
    customers,
)
from domain.imports import copy
from domain.imports.cells import Parse, cached
from domain.imports.customers.address_columns import ADDRESS_FIELDS
from domain.imports.customers.related import SOURCE
from domain.imports.format import ImportKey
from domain.kit.db import Transaction
from domain.kit.values import ValueType

_ADDED = ChangeKind.EXISTENCE | ChangeKind.PROFILE | ChangeKind.CONTACTS
_VALUES = [kind.column for kind in ValueType]
Row = tuple[Any, ...]


async def add(
    tx: Transaction,
    key: ImportKey,
    names: Sequence[str],
    rows: Sequence[Row],
    definitions: Mapping[str, PropertyDefinition],
    now: datetime,
) -> range:
    """Add the customers of staged rows with columns of these names, and return their ids. The rows are not empty."""
    store_id = key.store_id
    first_id = await writes.take_numbers(tx, store_id, len(rows))
    ids = range(first_id, first_id + len(rows))
    moment = copy.moment_of(now, tx.dialect)
    await _add_profiles(tx, store_id, names, rows, ids, moment)
    no_facts = [(store_id, customer_id, 0, 0) for customer_id in ids]
    await copy.put(tx, customer_facts, ("store_id", "customer_id", "order_count", "total_spent"), no_facts)
    for name, (table, columns, read) in _related(definitions, moment).items():
        if name in names:
            place = names.index(name)
            keys = ("store_id", "customer_id")
            own = _own_places(names, key.address_kinds) if table is contacts else dict[str, int]()
            child_rows = [
                (store_id, customer_id, *(_without_own(values, row, own) if own else values))
                for customer_id, row in zip(ids, rows, strict=True)
                if row[place] is not None
                for values in read(row[place])
            ]
            await copy.put(tx, table, (*keys, *columns), child_rows)
    await changes.record_range_change(tx, store_id, _ADDED, ids[0], ids[-1])
    return ids


async def _add_profiles(
    tx: Transaction, store_id: int, names: Sequence[str], rows: Sequence[Row], ids: range, moment: str | int
) -> None:
    fields = [*(field.name for field in FIELDS if field.name in names), "folded_name"]
    values_of = itemgetter(*(names.index(name) for name in fields))
    # What a column has where a cell is empty, or where the file has no such column.
    defaults: dict[str, str | int] = {column.name: 0 for column in customers.c if not column.nullable}
    defaults |= {"folded_name": NAMELESS, "source": SOURCE, "created_at": moment, "updated_at": moment}
    filled = [(place, defaults[name]) for place, name in enumerate(fields, 2) if name in defaults]
    constants = {name: value for name, value in defaults.items() if name not in {*fields, "store_id", "id"}}
    constant_values = tuple(constants.values())
    profiles: list[Row] = []
    for customer_id, row in zip(ids, rows, strict=True):
        profile = (store_id, customer_id, *values_of(row), *constant_values)
        if any(profile[place] is None for place, _ in filled):
            values = list(profile)
            for place, default in filled:
                if values[place] is None:
                    values[place] = default
            profile = tuple(values)
        profiles.append(profile)
    await copy.put(tx, customers, ("store_id", "id", *fields, *constants), profiles)


def _own_places(names: Sequence[str], kinds: AddressKinds) -> Mapping[str, int]:
    """Return where a row has the customer's own address that a channel takes, by channel."""
    return {channel: names.index(OWN_COLUMNS[kind]) for channel, kind in kinds.items() if kind in OWN_COLUMNS}


def _without_own(contact: Row, row: Row, own: Mapping[str, int]) -> Row:
    """Return a contact without its address where that is the customer's own."""
    channel, address, *rest = contact
    is_own = address is not None and channel in own and row[own[channel]] == address
    return (channel, None, *rest) if is_own else contact


def _related(
    definitions: Mapping[str, PropertyDefinition], moment: str | int
) -> Mapping[str, tuple[Any, Sequence[str], Parse]]:
    """Return the table of each staged list, its columns behind the customer's key, and what makes rows of the list."""

    def tag_rows(text: str) -> list[Row]:
        return [(item["tag"], SOURCE, moment) for item in orjson.loads(text)]

    def contact_rows(text: str) -> list[Row]:
        rows: list[Row] = []
        for item in orjson.loads(text):
            is_answer = item["consent"] != Consent.NOT_SUBSCRIBED
            origin = (moment, SOURCE) if is_answer else (None, None)
            rows.append((item["channel"], item.get("address"), item["consent"], *origin, 0))
        return rows

    def property_rows(text: str) -> list[Row]:
        rows: list[Row] = []
        for item in orjson.loads(text):
            definition = definitions.get(item["key"])
            if definition is not None:
                kind = definition.type.column
                rows.append((definition.id, *(item.get(name) if name == kind else None for name in _VALUES)))
        return rows

    def address_rows(text: str) -> list[Row]:
        return [tuple(item.get(name) for name in address_columns) for item in orjson.loads(text)]

    address_columns = ("position", *ADDRESS_FIELDS)
    contact_columns = ("channel", "address", "consent", "consent_at", "consent_source", "invalid")
    return {
        "tags": (customer_tags, ("tag", "source", "added_at"), cached(tag_rows)),
        "contacts": (contacts, contact_columns, cached(contact_rows)),
        "addresses": (customer_addresses, address_columns, cached(address_rows)),
        "properties": (customer_properties, ("property_id", *_VALUES), cached(property_rows)),
    }
