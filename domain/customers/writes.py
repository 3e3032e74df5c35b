"""Writes customers and what hangs on them, many at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Table, delete, insert, select, tuple_, update

from domain import changes
from domain.changes import ChangeKind
from domain.customers.model import Address, Consent, Contact, PropertyDefinition
from domain.customers.tables import (
    contacts,
    customer_addresses,
    customer_facts,
    customer_numbers,
    customer_properties,
    customers,
)
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into
from domain.kit.values import Value

Row = dict[str, object]
# Both databases take some 32,000 parameters a statement.
_KEYS_AT_ONCE = 10_000


async def take_numbers(tx: Transaction, store_id: int, count: int) -> int:
    """The first of `count` numbers for new customers.

    Whoever has taken some is alone, until its transaction ends, in giving this store's customers their identity: so
    look for a customer after this, and it is not made twice.
    """
    numbers = (
        update(customer_numbers)
        .where(customer_numbers.c.store_id == store_id)
        .values(last=customer_numbers.c.last + count)
        .returning(customer_numbers.c.last)
    )
    last = await tx.scalar(numbers)
    if last is None:
        first_row = insert_into(customer_numbers, tx.dialect).values(store_id=store_id, last=0)
        await tx.execute(first_row.on_conflict_do_nothing())
        last = await tx.scalar(numbers)
    first: int = last - count + 1
    return first


async def add(tx: Transaction, rows: Sequence[Row]) -> None:
    """New customers, each with its empty facts."""
    if not rows:
        return
    await tx.execute(insert(customers), rows)
    await tx.execute(insert(customer_facts), [_no_facts(row) for row in rows])
    for store_id in {int(str(row["store_id"])) for row in rows}:
        own = [int(str(row["id"])) for row in rows if row["store_id"] == store_id]
        await changes.record_change(tx, store_id, ChangeKind.EXISTENCE, own)


def _no_facts(row: Row) -> Row:
    keys: Row = {"store_id": row["store_id"], "customer_id": row["id"]}
    return keys | {"order_count": 0, "total_spent": 0}


async def replace(tx: Transaction, rows: Sequence[Row]) -> None:
    """Customers that exist, as they are now."""
    await _upsert(tx, customers, rows)


async def _upsert(tx: Transaction, table: Table, rows: Sequence[Row]) -> None:
    if not rows:
        return
    statement = insert_into(table, tx.dialect)
    keys = list(table.primary_key.columns)
    changing = {name: statement.excluded[name] for name in rows[0] if not table.c[name].primary_key}
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=changing), rows)


PropertyValues = Mapping[tuple[int, int], tuple[PropertyDefinition, Value | None]]


async def put_properties(tx: Transaction, store_id: int, values: PropertyValues) -> None:
    """By customer and property; None removes."""
    gone = [key for key, (_, value) in values.items() if value is None]
    had = customer_properties.c
    for at in range(0, len(gone), _KEYS_AT_ONCE):
        those = tuple_(had.customer_id, had.property_id).in_(gone[at : at + _KEYS_AT_ONCE])
        await tx.execute(delete(customer_properties).where(had.store_id == store_id, those))
    rows = [
        _property_row(store_id, customer_id, definition, value)
        for (customer_id, _), (definition, value) in values.items()
        if value is not None
    ]
    await _upsert(tx, customer_properties, rows)


def _property_row(store_id: int, customer_id: int, definition: PropertyDefinition, value: Value) -> Row:
    row: Row = {"store_id": store_id, "customer_id": customer_id, "property_id": definition.id}
    row |= dict.fromkeys(("string", "number", "boolean", "date", "datetime"))
    return row | {definition.type.column: value}


async def put_contacts(tx: Transaction, store_id: int, given: Sequence[tuple[int, Contact, str | None]]) -> None:
    """A customer's contact and where its consent came from."""
    rows: list[Row] = [
        {
            "store_id": store_id,
            "customer_id": customer_id,
            "channel": contact.channel,
            "address": contact.address,
            "consent": contact.consent.value,
            "consent_at": contact.consent_at,
            "consent_source": source,
            "invalid": contact.invalid,
        }
        for customer_id, contact, source in given
    ]
    await _upsert(tx, contacts, rows)


async def replace_addresses(tx: Transaction, store_id: int, given: Mapping[int, Sequence[Address]]) -> None:
    if not given:
        return
    had = customer_addresses.c
    await tx.execute(delete(customer_addresses).where(had.store_id == store_id, had.customer_id.in_(list(given))))
    rows: list[Row] = [
        {"store_id": store_id, "customer_id": customer_id, "position": position, **asdict(address)}
        for customer_id, own in given.items()
        for position, address in enumerate(own, 1)
    ]
    if rows:
        await tx.execute(insert(customer_addresses), rows)


async def touch(tx: Transaction, store_id: int, ids: Sequence[int], now: datetime) -> None:
    await tx.execute(
        update(customers).where(customers.c.store_id == store_id, customers.c.id.in_(ids)).values(updated_at=now)
    )


async def clear_invalid(tx: Transaction, store_id: int, ids: Sequence[int]) -> None:
    """What failed was an e-mail address or a phone number that these customers had before."""
    if ids:
        own = (contacts.c.store_id == store_id, contacts.c.customer_id.in_(ids), contacts.c.address.is_(None))
        await tx.execute(update(contacts).where(*own, contacts.c.invalid).values(invalid=False))


async def mark_invalid(tx: Transaction, store_id: int, ids: Sequence[int], channel: str) -> None:
    """The customers' addresses on a channel fail."""
    row: Row = {"store_id": store_id, "channel": channel, "consent": Consent.NOT_SUBSCRIBED.value, "invalid": True}
    statement = insert_into(contacts, tx.dialect)
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["store_id", "customer_id", "channel"], set_={"invalid": True}),
        [row | {"customer_id": customer_id} for customer_id in ids],
    )
    await changes.record_change(tx, store_id, ChangeKind.CONTACTS, ids)


async def sources_of(tx: Transaction, store_id: int, ids: Sequence[int]) -> dict[tuple[int, str], str | None]:
    """Where each contact's consent came from."""
    rows = await tx.execute(
        select(contacts.c.customer_id, contacts.c.channel, contacts.c.consent_source).where(
            contacts.c.store_id == store_id, contacts.c.customer_id.in_(ids)
        )
    )
    return {(customer_id, channel): source for customer_id, channel, source in rows}


def new_row(store_id: int, number: int, now: datetime) -> Row:
    """Return the row of a new customer of whom nothing is known yet."""
    row: Row = {column.name: None if column.nullable else False for column in customers.c}
    return row | {"store_id": store_id, "id": number, "created_at": now, "updated_at": now}
