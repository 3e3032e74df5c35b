"""Every read of customers and what belongs to them."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, cast

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, or_, select

from domain.addresses import canonical_address
from domain.customers.fields import FIELDS
from domain.customers.model import (
    NO_FACTS,
    Address,
    Consent,
    Contact,
    Customer,
    Facts,
    Profile,
    Property,
    PropertyDefinition,
)
from domain.customers.tables import (
    contacts,
    customer_addresses,
    customer_facts,
    customer_properties,
    customer_tags,
    customers,
    property_definitions,
)
from domain.kit.db import AnyRow, Transaction
from domain.kit.folded_text import folded
from domain.kit.values import Value, ValueType

_TAGS_AT_ONCE = 1_000
# In the order of the fields of `Customer`.
COLUMNS: tuple[ColumnElement[Any], ...] = tuple(customers.c[field.name] for field in fields(Customer))
_COLUMN_NAMES = [field.name for field in fields(Customer)]
_CHOICES = [(_COLUMN_NAMES.index(field.name), field.choices) for field in FIELDS if field.choices]
_FACT_COLUMNS: tuple[ColumnElement[Any], ...] = (
    customer_facts.c.order_count,
    customer_facts.c.total_spent,
    customer_facts.c.first_order_at,
    customer_facts.c.last_order_at,
)
# A customer and its facts, as `profile_of` reads them.
PROFILE_COLUMNS: tuple[ColumnElement[Any], ...] = (*COLUMNS, *_FACT_COLUMNS)
_HAS_FACTS = (customer_facts.c.store_id == customers.c.store_id) & (customer_facts.c.customer_id == customers.c.id)
_STORE: BindParameter[int] = bindparam("store_id")
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_ALL = select(*COLUMNS).where(customers.c.store_id == _STORE)
_BY_IDS = _ALL.where(customers.c.id.in_(_IDS))
_PROFILES = select(*PROFILE_COLUMNS).outerjoin(customer_facts, _HAS_FACTS).where(customers.c.store_id == _STORE)
# False of a customer who was erased: such a one is nobody any more.
IS_SOMEBODY = or_(
    customers.c.deleted_at.is_(None),
    *(customers.c[name].is_not(None) for name in ("external_id", "email", "phone")),
)
_LIVE_FIRST = (customers.c.deleted_at.is_not(None), customers.c.id)
_FACTS = select(
    customer_facts.c.customer_id,
    *_FACT_COLUMNS,
).where(customer_facts.c.store_id == _STORE, customer_facts.c.customer_id.in_(_IDS))
_TAGS = (
    select(customer_tags.c.customer_id, customer_tags.c.tag)
    .where(customer_tags.c.store_id == _STORE, customer_tags.c.customer_id.in_(_IDS))
    .order_by(customer_tags.c.customer_id, customer_tags.c.tag)
)
_ADDRESSES = (
    select(customer_addresses.c.customer_id, *(customer_addresses.c[field.name] for field in fields(Address)))
    .where(customer_addresses.c.store_id == _STORE, customer_addresses.c.customer_id.in_(_IDS))
    .order_by(customer_addresses.c.customer_id, customer_addresses.c.position)
)
_CONTACTS = (
    select(
        contacts.c.customer_id,
        contacts.c.channel,
        contacts.c.address,
        contacts.c.consent,
        contacts.c.consent_at,
        contacts.c.invalid,
    )
    .where(contacts.c.store_id == _STORE, contacts.c.customer_id.in_(_IDS))
    .order_by(contacts.c.customer_id, contacts.c.channel)
)
_PROPERTIES = (
    select(
        customer_properties.c.customer_id,
        property_definitions.c.key,
        property_definitions.c.type,
        *(customer_properties.c[kind.column] for kind in ValueType),
    )
    .join(
        property_definitions,
        (property_definitions.c.store_id == customer_properties.c.store_id)
        & (property_definitions.c.id == customer_properties.c.property_id),
    )
    .where(customer_properties.c.store_id == _STORE, customer_properties.c.customer_id.in_(_IDS))
    .order_by(customer_properties.c.customer_id, property_definitions.c.key)
)
_DEFINITIONS = (
    select(
        property_definitions.c.store_id,
        property_definitions.c.id,
        property_definitions.c.key,
        property_definitions.c.label,
        property_definitions.c.type,
    )
    .where(property_definitions.c.store_id == _STORE)
    .order_by(property_definitions.c.key)
)


def customer_of(row: AnyRow) -> Customer:
    """Return the customer of a row that begins with `COLUMNS`."""
    values: list[Any] = list(row[: len(COLUMNS)])
    for index, choices in _CHOICES:
        if values[index] is not None:
            values[index] = choices(values[index])
    return Customer(*values)


def profile_of(row: AnyRow) -> Profile:
    """Return the profile of a row that begins with `PROFILE_COLUMNS`."""
    order_count, total_spent, first, last = row[len(COLUMNS) : len(PROFILE_COLUMNS)]
    facts = NO_FACTS if order_count is None else Facts(order_count, total_spent, first, last)
    return Profile(customer_of(row), facts)


async def profiles(tx: Transaction, store_id: int, ids: Sequence[int]) -> dict[int, Profile]:
    rows = await tx.execute(_PROFILES.where(customers.c.id.in_(_IDS)), {"store_id": store_id, "ids": ids})
    return {profile.customer.id: profile for profile in map(profile_of, rows)}


async def by_ids(tx: Transaction, store_id: int, ids: Sequence[int]) -> list[Customer]:
    rows = await tx.execute(_BY_IDS, {"store_id": store_id, "ids": ids})
    return [customer_of(row) for row in rows]


async def by_id(tx: Transaction, store_id: int, customer_id: int) -> Customer | None:
    return next(iter(await by_ids(tx, store_id, [customer_id])), None)


async def is_somebody(tx: Transaction, store_id: int, customer_id: int) -> bool:
    """Return whether there is such a customer, deleted or not, who was not erased."""
    known = (customers.c.store_id == store_id, customers.c.id == customer_id, IS_SOMEBODY)
    return (await tx.scalar(select(customers.c.id).where(*known))) is not None


async def by_external_id(tx: Transaction, store_id: int, external_id: str) -> Customer | None:
    rows = await tx.execute(_ALL.where(customers.c.external_id == external_id), {"store_id": store_id})
    row = rows.one_or_none()
    return None if row is None else customer_of(row)


async def by_email(tx: Transaction, store_id: int, email: str) -> Customer | None:
    """Return the first customer with that address, one that is not deleted if there is any."""
    first = _ALL.where(customers.c.email == canonical_address(email)).order_by(*_LIVE_FIRST).limit(1)
    row = (await tx.execute(first, {"store_id": store_id})).one_or_none()
    return None if row is None else customer_of(row)


async def facts_of(tx: Transaction, store_id: int, ids: Sequence[int]) -> dict[int, Facts]:
    rows = await tx.execute(_FACTS, {"store_id": store_id, "ids": ids})
    return {customer_id: Facts(*rest) for customer_id, *rest in rows}


async def tags_of(tx: Transaction, store_id: int, ids: Sequence[int]) -> dict[int, list[str]]:
    tags: dict[int, list[str]] = {customer_id: [] for customer_id in ids}
    for customer_id, tag in await tx.execute(_TAGS, {"store_id": store_id, "ids": ids}):
        tags[customer_id].append(tag)
    return tags


async def addresses_of(tx: Transaction, store_id: int, ids: Sequence[int]) -> dict[int, list[Address]]:
    addresses: dict[int, list[Address]] = {customer_id: [] for customer_id in ids}
    for customer_id, *parts in await tx.execute(_ADDRESSES, {"store_id": store_id, "ids": ids}):
        addresses[customer_id].append(Address(*parts))
    return addresses


async def known_tags(tx: Transaction, store_id: int, prefix: str, limit: int = 250) -> list[str]:
    """Return the store's tags that begin with the prefix, as names do, in order."""
    tag, folded_prefix = customer_tags.c.tag, folded(prefix)
    page = select(tag).where(customer_tags.c.store_id == store_id).distinct().order_by(tag).limit(_TAGS_AT_ONCE)
    tags: list[str] = []
    rows: Sequence[str] = (await tx.execute(page)).scalars().all()
    while rows and len(tags) < limit:
        tags += [tag for tag in rows if folded(tag).startswith(folded_prefix)]
        rows = (await tx.execute(page.where(tag > rows[-1]))).scalars().all() if len(rows) == _TAGS_AT_ONCE else []
    return tags[:limit]


async def contacts_of(tx: Transaction, store_id: int, ids: Sequence[int]) -> dict[int, list[Contact]]:
    contacts_by_id: dict[int, list[Contact]] = {customer_id: [] for customer_id in ids}
    rows = await tx.execute(_CONTACTS, {"store_id": store_id, "ids": ids})
    for customer_id, channel, address, consent, consent_at, invalid in rows:
        contacts_by_id[customer_id].append(Contact(channel, address, Consent(consent), consent_at, invalid))
    return contacts_by_id


async def properties_of(tx: Transaction, store_id: int, ids: Sequence[int]) -> dict[int, list[Property]]:
    properties: dict[int, list[Property]] = {customer_id: [] for customer_id in ids}
    indexes = {kind.value: index for index, kind in enumerate(ValueType)}
    rows = await tx.execute(_PROPERTIES, {"store_id": store_id, "ids": ids})
    for customer_id, key, kind, *values in rows:
        value = values[indexes[kind]]
        if value is not None:
            properties[customer_id].append(Property(key, cast("Value", value)))
    return properties


async def definitions(tx: Transaction, store_id: int) -> list[PropertyDefinition]:
    rows = await tx.execute(_DEFINITIONS, {"store_id": store_id})
    return [PropertyDefinition(store, id_, key, label, ValueType(kind)) for store, id_, key, label, kind in rows]


def listing(store_id: int) -> Select[Any]:
    """Return a SELECT of the customers that are not deleted, with their facts: rows that `profile_of` reads."""
    return (
        select(*PROFILE_COLUMNS)
        .join(customer_facts, _HAS_FACTS)
        .where(customers.c.store_id == store_id, customers.c.deleted_at.is_(None))
    )


def among(store_id: int, ids: Select[Any]) -> Select[Any]:
    """Return a SELECT of the customers of a statement of ids that are not deleted."""
    return only(listing(store_id), ids)


def only(listed: Select[Any], ids: Select[Any]) -> Select[Any]:
    return listed.where(customers.c.id.in_(ids))
