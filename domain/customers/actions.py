"""Changes customers that exist: tags, blacklist, consents, deletion, and the properties that a store defines."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import delete, func, insert, select, update

from domain import changes
from domain.changes import ChangeKind
from domain.customers import objections, queries, values, writes
from domain.customers import tags as tag_writes
from domain.customers.contacts import save_contacts
from domain.customers.model import Consent, ContactChange, Customer, ObjectionReason, PropertyDefinition
from domain.customers.objections import EVERY_CHANNEL
from domain.customers.tables import customer_properties, customers, property_definitions
from domain.events import log
from domain.events.model import Event
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode, NotFound
from domain.kit.values import ValueType

T = TypeVar("T")
R = TypeVar("R")

BY_HAND = "manual"


async def tags_add(
    tx: Transaction, store_id: int, customer_id: int, tags: Sequence[str], now: datetime, *, source: str = BY_HAND
) -> Customer:
    """Return the customer with the tags added. `source`: who adds them, such as "manual", "form" or "shop"."""
    customer = await existing(tx, store_id, customer_id)
    cleaned = _checked("tags", values.tags, tags)
    cleaned_source = _checked("source", partial(values.text, longest=16), source) or BY_HAND
    await tag_writes.add_tags(tx, store_id, {customer_id: cleaned}, now, cleaned_source)
    await changes.record_change(tx, store_id, ChangeKind.PROFILE, [customer_id])
    return customer


async def tags_remove(tx: Transaction, store_id: int, customer_id: int, tags: Sequence[str], now: datetime) -> Customer:
    customer = await existing(tx, store_id, customer_id)
    await tag_writes.remove_tags(tx, store_id, {customer_id: _checked("tags", values.tags, tags)}, now)
    await changes.record_change(tx, store_id, ChangeKind.PROFILE, [customer_id])
    return customer


async def blacklist(
    tx: Transaction, store_id: int, customer_id: int, now: datetime, *, blacklisted: bool, reason: str | None = None
) -> Customer:
    """Return the customer as it is now. `reason`: 500 characters at most, stored in the customer's history."""
    customer = await existing(tx, store_id, customer_id)
    cleaned = None if reason is None else _checked("reason", partial(values.text, longest=500), reason)
    if customer.blacklisted is blacklisted:
        return customer
    kind = "blacklisted" if blacklisted else "unblacklisted"
    unchanged = (
        customers.c.store_id == store_id,
        customers.c.id == customer_id,
        customers.c.blacklisted != blacklisted,
    )
    # Of several at a time, one changes it and is in the history.
    if (await tx.execute(update(customers).where(*unchanged).values(blacklisted=blacklisted, updated_at=now))).rowcount:
        event = Event(str(ids.new()), customer_id, kind, now, None, {"reason": cleaned} if cleaned else {})
        await log.append(tx, store_id, [event], now)
    await changes.record_change(tx, store_id, ChangeKind.PROFILE, [customer_id])
    if blacklisted:
        every = {(customer_id, EVERY_CHANNEL): now}
        await objections.add_for(tx, store_id, ObjectionReason.BLACKLISTED, every)
    else:
        await objections.lift_blacklisting(tx, store_id, customer_id, now)
    return await existing(tx, store_id, customer_id)


async def consent_update(
    tx: Transaction,
    store_id: int,
    customer_id: int,
    change: ContactChange,
    now: datetime,
    *,
    source: str | None = None,
) -> Customer:
    """Change a consent as the customer says, in any direction: a file only moves it up.

    A new consent also lifts what the address has objected to, in whichever customer's row.
    """
    _ = _checked("channel", values.channel, change.channel)
    customer = await existing(tx, store_id, customer_id, field="customerId")
    await save_contacts(tx, store_id, {customer_id: [change]}, now, source)
    if change.consent is Consent.SUBSCRIBED:
        lifted = ObjectionReason.UNSUBSCRIBED, ObjectionReason.COMPLAINED
        await objections.lift_for(tx, store_id, [customer_id], change.channel, now, *lifted)
    return customer


async def remove(tx: Transaction, store_id: int, customer_id: int, now: datetime) -> None:
    """Delete the customer from lists and searches; `domain.privacy` also forgets who it was."""
    customer = await existing(tx, store_id, customer_id)
    deleted = update(customers).where(customers.c.store_id == store_id, customers.c.id == customer_id)
    await tx.execute(deleted.values(deleted_at=customer.deleted_at or now, updated_at=now))
    await changes.record_change(tx, store_id, ChangeKind.EXISTENCE, [customer_id])


async def define(
    tx: Transaction, store_id: int, key: str, label: str, kind: ValueType, now: datetime
) -> PropertyDefinition:
    """Return the new definition. Raise DomainError when the key is wrong or taken, or the label empty."""
    _ = _checked("key", values.property_key, key)
    # This locks the store's numbers: of several who define a key at a time, the others see the first one's.
    await writes.take_numbers(tx, store_id, 0)
    if any(definition.key == key for definition in await queries.definitions(tx, store_id)):
        raise DomainError(f"The property {key!r} is defined already", field=("key",), code=ErrorCode.TAKEN)
    cleaned = _checked("label", partial(values.text, longest=100), label)
    if cleaned is None:
        raise DomainError("A property needs a label", field=("label",), code=ErrorCode.REQUIRED)
    return await add_definition(tx, store_id, key, cleaned, kind, now)


async def add_definition(
    tx: Transaction, store_id: int, key: str, label: str, kind: ValueType, now: datetime
) -> PropertyDefinition:
    # This locks the store's numbers, so that two definitions do not take one.
    await writes.take_numbers(tx, store_id, 0)
    last_id = select(func.coalesce(func.max(property_definitions.c.id), 0)).where(
        property_definitions.c.store_id == store_id
    )
    definition = PropertyDefinition(store_id, int(await tx.scalar(last_id)) + 1, key, label, kind)
    row = {"store_id": store_id, "id": definition.id, "key": key, "label": label, "type": kind.value}
    await tx.execute(insert(property_definitions).values(row | {"created_at": now}))
    return definition


async def undefine(tx: Transaction, store_id: int, key: str) -> PropertyDefinition:
    """Delete the definition with every customer's value of it, and return it. Raise NotFound when there is none."""
    # Who writes values holds this lock too: none is left behind, for the next definition to find under its number.
    await writes.take_numbers(tx, store_id, 0)
    definitions = {definition.key: definition for definition in await queries.definitions(tx, store_id)}
    definition = definitions.get(key)
    if definition is None:
        raise NotFound(f"No property {key!r} is defined", field=("key",))
    for table, column in ((customer_properties, "property_id"), (property_definitions, "id")):
        await tx.execute(delete(table).where(table.c.store_id == store_id, table.c[column] == definition.id))
    await changes.record_store_change(tx, store_id, ChangeKind.PROFILE)
    return definition


async def existing(tx: Transaction, store_id: int, customer_id: int, *, field: str = "id") -> Customer:
    """Return the customer. Raise NotFound, with the field that named it, when there is none."""
    customer = await queries.by_id(tx, store_id, customer_id)
    if customer is None:
        raise NotFound("There is no such customer", field=(field,))
    return customer


def _checked(field: str, check: Callable[[T], R], value: T) -> R:
    try:
        return check(value)
    except DomainError as error:
        raise error.under(field) from None
