"""Writes customers and their properties, contacts and addresses, many at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import Select, Table, delete, insert, select, tuple_, update

from domain import changes
from domain.changes import ChangeKind
from domain.customers import objections
from domain.customers.model import (
    Address,
    Consent,
    Contact,
    Customer,
    ObjectionReason,
    PropertyDefinition,
    folded_name,
)
from domain.customers.tables import (
    contacts,
    customer_addresses,
    customer_facts,
    customer_numbers,
    customer_origins,
    customer_properties,
    customers,
)
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into
from domain.kit.values import Value, ValueType

Row = dict[str, object]
# Both databases take some 32,000 parameters a statement.
_KEYS_AT_ONCE = 10_000
_NAMES = [field.name for field in fields(Customer)]


async def take_numbers(tx: Transaction, store_id: int, count: int) -> int:
    """Return the first of `count` numbers for new customers.

    The store's numbers are locked until the transaction ends: a customer that is looked for after this is not added
    twice.
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
    """Add new customers, each with facts that count nothing."""
    if not rows:
        return
    await tx.execute(insert(customers), [_with_folded_name(row) for row in rows])
    no_facts: Row = {"order_count": 0, "total_spent": 0}
    facts = [{"store_id": row["store_id"], "customer_id": row["id"]} | no_facts for row in rows]
    await tx.execute(insert(customer_facts), facts)
    for store_id in {int(str(row["store_id"])) for row in rows}:
        customer_ids = [int(str(row["id"])) for row in rows if row["store_id"] == store_id]
        await changes.record_change(tx, store_id, ChangeKind.EXISTENCE, customer_ids)


async def replace(tx: Transaction, rows: Sequence[Row]) -> None:
    """Write the rows of customers that exist."""
    await _upsert(tx, customers, [_with_folded_name(row) for row in rows])


def _with_folded_name(row: Row) -> Row:
    name = row["name"]
    assert name is None or isinstance(name, str)
    return row | {"folded_name": folded_name(name)}


async def _upsert(tx: Transaction, table: Table, rows: Sequence[Row]) -> None:
    if not rows:
        return
    statement = insert_into(table, tx.dialect)
    keys = list(table.primary_key.columns)
    changing = {name: statement.excluded[name] for name in rows[0] if not table.c[name].primary_key}
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=changing), rows)


PropertyValues = Mapping[tuple[int, int], tuple[PropertyDefinition, Value | None]]


async def put_properties(tx: Transaction, store_id: int, values: PropertyValues) -> None:
    """Write values by customer and property; None deletes."""
    deleted_keys = [key for key, (_, value) in values.items() if value is None]
    columns = customer_properties.c
    for start in range(0, len(deleted_keys), _KEYS_AT_ONCE):
        is_deleted = tuple_(columns.customer_id, columns.property_id).in_(deleted_keys[start : start + _KEYS_AT_ONCE])
        await tx.execute(delete(customer_properties).where(columns.store_id == store_id, is_deleted))
    no_value: Row = {kind.column: None for kind in ValueType}
    rows: list[Row] = []
    for (customer_id, _), (definition, value) in values.items():
        if value is not None:
            keys: Row = {"store_id": store_id, "customer_id": customer_id, "property_id": definition.id}
            rows.append(keys | no_value | {definition.type.column: value})
    await _upsert(tx, customer_properties, rows)


@dataclass(frozen=True, slots=True)
class SourcedContact:
    """A customer's contact, and where its consent came from."""

    customer_id: int
    contact: Contact
    consent_source: str | None


async def put_contacts(tx: Transaction, store_id: int, sourced_contacts: Sequence[SourcedContact]) -> None:
    rows: list[Row] = [
        {
            "store_id": store_id,
            "customer_id": sourced.customer_id,
            "channel": sourced.contact.channel,
            "address": sourced.contact.address,
            "consent": sourced.contact.consent.value,
            "consent_at": sourced.contact.consent_at,
            "consent_source": sourced.consent_source,
            "invalid": sourced.contact.invalid,
        }
        for sourced in sourced_contacts
    ]
    await _upsert(tx, contacts, rows)


async def put_origins(tx: Transaction, rows: Sequence[Row]) -> None:
    """Store where customers came from, in place of what was known of it."""
    await _upsert(tx, customer_origins, rows)


async def replace_addresses(tx: Transaction, store_id: int, addresses: Mapping[int, Sequence[Address]]) -> None:
    """Give each customer these addresses and no others."""
    if not addresses:
        return
    columns = customer_addresses.c
    is_replaced = (columns.store_id == store_id, columns.customer_id.in_(list(addresses)))
    await tx.execute(delete(customer_addresses).where(*is_replaced))
    rows: list[Row] = [
        {"store_id": store_id, "customer_id": customer_id, "position": position, **asdict(address)}
        for customer_id, replacements in addresses.items()
        for position, address in enumerate(replacements, 1)
    ]
    if rows:
        await tx.execute(insert(customer_addresses), rows)


async def touch(tx: Transaction, store_id: int, ids: Sequence[int], now: datetime) -> None:
    await tx.execute(
        update(customers).where(customers.c.store_id == store_id, customers.c.id.in_(ids)).values(updated_at=now)
    )


async def clear_invalid(tx: Transaction, store_id: int, ids: Sequence[int] | Select[int]) -> None:
    """Trust the customers' e-mail addresses and phone numbers again, since what failed were those before.

    `ids` may be a select of them.
    """
    if isinstance(ids, Select) or ids:
        is_own_address = (
            contacts.c.store_id == store_id,
            contacts.c.customer_id.in_(ids),
            contacts.c.address.is_(None),
        )
        await tx.execute(update(contacts).where(*is_own_address, contacts.c.invalid).values(invalid=False))


async def mark_invalid(tx: Transaction, store_id: int, ids: Sequence[int], channel: str, now: datetime) -> None:
    """Record that the customers' addresses on a channel fail, whoever else has them."""
    row: Row = {"store_id": store_id, "channel": channel, "consent": Consent.NOT_SUBSCRIBED.value, "invalid": True}
    statement = insert_into(contacts, tx.dialect)
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["store_id", "customer_id", "channel"], set_={"invalid": True}),
        [row | {"customer_id": customer_id} for customer_id in ids],
    )
    await changes.record_change(tx, store_id, ChangeKind.CONTACTS, ids)
    failing = {(customer_id, channel): now for customer_id in ids}
    await objections.add_for(tx, store_id, ObjectionReason.BOUNCED, failing)


async def consent_sources_of(tx: Transaction, store_id: int, ids: Sequence[int]) -> dict[tuple[int, str], str | None]:
    """Return the source of each contact's consent, by customer and channel."""
    rows = await tx.execute(
        select(contacts.c.customer_id, contacts.c.channel, contacts.c.consent_source).where(
            contacts.c.store_id == store_id, contacts.c.customer_id.in_(ids)
        )
    )
    return {(customer_id, channel): source for customer_id, channel, source in rows}


def new_row(store_id: int, number: int, now: datetime) -> Row:
    """Return the row of a new customer of whom nothing is known yet."""
    row: Row = {name: None if customers.c[name].nullable else False for name in _NAMES}
    return row | {"store_id": store_id, "id": number, "created_at": now, "updated_at": now}
