"""What can be done to customers, besides making them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from domain import changes
from domain.changes import ChangeKind
from domain.customers import queries, values, writes
from domain.customers import tags as tag_writes
from domain.customers.contacts import save_contacts
from domain.customers.model import ContactChange, Customer, PropertyDefinition
from domain.customers.tables import (
    contacts,
    customer_addresses,
    customer_origins,
    customer_properties,
    customer_tags,
    customers,
    property_definitions,
)
from domain.events import log
from domain.events.model import Event
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode, NotFound
from domain.kit.values import ValueType

BY_HAND = "manual"
_KEPT = {"store_id", "id", "created_at", "updated_at", "deleted_at"}


async def tags_add(
    tx: Transaction, store_id: int, customer_id: int, tags: Sequence[str], now: datetime, *, source: str = BY_HAND
) -> Customer:
    """`source`: who sets them, such as "manual", "form" or "shop"."""
    customer = await existing(tx, store_id, customer_id)
    await tag_writes.add_tags(tx, store_id, {customer_id: _tags(tags)}, now, _source(source))
    await changes.record_change(tx, store_id, ChangeKind.PROFILE, [customer_id])
    return customer


async def tags_remove(tx: Transaction, store_id: int, customer_id: int, tags: Sequence[str], now: datetime) -> Customer:
    customer = await existing(tx, store_id, customer_id)
    await tag_writes.remove_tags(tx, store_id, {customer_id: _tags(tags)}, now)
    await changes.record_change(tx, store_id, ChangeKind.PROFILE, [customer_id])
    return customer


def _source(source: str) -> str:
    try:
        return values.text(source, 16) or BY_HAND
    except DomainError as error:
        raise error.under("source") from None


def _tags(tags: Sequence[str]) -> list[str]:
    try:
        return values.tags(tags)
    except DomainError as error:
        raise error.under("tags") from None


async def blacklist(
    tx: Transaction, store_id: int, customer_id: int, now: datetime, *, blacklisted: bool, reason: str | None = None
) -> Customer:
    """`reason`: 500 characters at most, kept in the customer's history."""
    had = await existing(tx, store_id, customer_id)
    said = _reason(reason)
    if had.blacklisted is blacklisted:
        return had
    kind = "blacklisted" if blacklisted else "unblacklisted"
    entry = Event(str(ids.new()), customer_id, kind, now, None, {"reason": said} if said else {})
    await log.append(tx, store_id, [entry], now)
    await _set(tx, store_id, customer_id, blacklisted=blacklisted, updated_at=now)
    await changes.record_change(tx, store_id, ChangeKind.PROFILE, [customer_id])
    return await existing(tx, store_id, customer_id)


def _reason(reason: str | None) -> str | None:
    try:
        return None if reason is None else values.text(reason, 500)
    except DomainError as error:
        raise error.under("reason") from None


async def consent_update(
    tx: Transaction,
    store_id: int,
    customer_id: int,
    change: ContactChange,
    now: datetime,
    *,
    source: str | None = None,
) -> Customer:
    """The customer's own word: unlike a file's, it goes in every direction."""
    try:
        values.channel(change.channel)
    except DomainError as error:
        raise error.under("channel") from None
    customer = await existing(tx, store_id, customer_id, field="customerId")
    await save_contacts(tx, store_id, {customer_id: [change]}, now, source)
    return customer


async def remove(tx: Transaction, store_id: int, customer_id: int, now: datetime, *, erase: bool = False) -> None:
    """Gone from every list and search; `erase` also forgets who it was. Orders keep counting for the shop's figures."""
    customer = await existing(tx, store_id, customer_id)
    first = customer.deleted_at or now
    await _set(tx, store_id, customer_id, deleted_at=first, updated_at=now)
    await changes.record_change(tx, store_id, ChangeKind.EXISTENCE, [customer_id])
    if erase:
        await _forget(tx, store_id, customer_id)


async def _forget(tx: Transaction, store_id: int, customer_id: int) -> None:
    await changes.record_change(tx, store_id, ChangeKind.PROFILE | ChangeKind.CONTACTS, [customer_id])
    emptied = {column.name: None for column in customers.c if column.nullable and column.name not in _KEPT}
    await _set(tx, store_id, customer_id, **emptied, email_verified=False, phone_verified=False)
    for table in (customer_tags, customer_properties, customer_addresses, customer_origins):
        await tx.execute(delete(table).where(table.c.store_id == store_id, table.c.customer_id == customer_id))
    own = (contacts.c.store_id == store_id, contacts.c.customer_id == customer_id)
    await tx.execute(update(contacts).where(*own).values(address=None))


async def define(
    tx: Transaction, store_id: int, key: str, label: str, kind: ValueType, now: datetime
) -> PropertyDefinition:
    try:
        values.property_key(key)
    except DomainError as error:
        raise error.under("key") from None
    if any(definition.key == key for definition in await queries.definitions(tx, store_id)):
        raise DomainError(f"the property {key!r} is defined already", field=("key",), code=ErrorCode.TAKEN)
    return await add_definition(tx, store_id, key, _label(label), kind, now)


def _label(label: str) -> str:
    try:
        cleaned = values.text(label, 100)
    except DomainError as error:
        raise error.under("label") from None
    if cleaned is None:
        raise DomainError("a property needs a label", field=("label",), code=ErrorCode.REQUIRED)
    return cleaned


async def add_definition(
    tx: Transaction, store_id: int, key: str, label: str, kind: ValueType, now: datetime
) -> PropertyDefinition:
    # Alone with the store's customers, so that two do not take one number.
    await writes.take_numbers(tx, store_id, 0)
    last = select(func.coalesce(func.max(property_definitions.c.id), 0)).where(
        property_definitions.c.store_id == store_id
    )
    definition = PropertyDefinition(store_id, int(await tx.scalar(last)) + 1, key, label, kind)
    row = {"store_id": store_id, "id": definition.id, "key": key, "label": label, "type": kind.value}
    await tx.execute(insert(property_definitions).values(row | {"created_at": now}))
    return definition


async def undefine(tx: Transaction, store_id: int, key: str) -> PropertyDefinition:
    """The definition with every customer's value of it."""
    found = [definition for definition in await queries.definitions(tx, store_id) if definition.key == key]
    if not found:
        raise NotFound(f"no property {key!r} is defined", field=("key",))
    for table, column in ((customer_properties, "property_id"), (property_definitions, "id")):
        await tx.execute(delete(table).where(table.c.store_id == store_id, table.c[column] == found[0].id))
    await changes.record_store_change(tx, store_id, ChangeKind.PROFILE)
    return found[0]


async def existing(tx: Transaction, store_id: int, customer_id: int, *, field: str = "id") -> Customer:
    customer = await queries.by_id(tx, store_id, customer_id)
    if customer is None:
        raise NotFound("no such customer", field=(field,))
    return customer


async def _set(tx: Transaction, store_id: int, customer_id: int, **values: object) -> None:
    await tx.execute(
        update(customers).where(customers.c.store_id == store_id, customers.c.id == customer_id).values(values)
    )
