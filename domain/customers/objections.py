"""Keeps what addresses object to: an objection belongs to the address, in whichever customer's row it stands.

On a channel without an address of its own, the customer's e-mail address and phone number both object: which of them
the channel takes, its plugin knows, and the other is never asked for there.

An intent to send is locked out from when an objection is written until it is committed. Intents lock the rows of
customers first: whoever objects has locked all rows of customers that it needs before it calls anything here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    and_,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    true,
    update,
)

from domain.customers.model import Consent, ObjectionReason
from domain.customers.tables import contacts, customers, objections
from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, insert_into, rows_by_ids

EVERY_CHANNEL = "*"
RECORDS_AT_ONCE = 2_000
_LOCK = 5575658
_AT_ONCE = 10_000
_c = objections.c


@dataclass(frozen=True, slots=True)
class Objection:
    """`channel` may be `EVERY_CHANNEL`; `customer_id` is of one who has the address."""

    address: str
    channel: str
    reason: ObjectionReason
    customer_id: int
    since: datetime


@dataclass(frozen=True, slots=True)
class CustomerAddresses:
    """All addresses of a customer: those of their own, and those of their contacts by channel."""

    email: str | None
    phone: str | None
    by_channel: Mapping[str, str]

    def on(self, channel: str) -> set[str]:
        """Return the addresses that the channel may write to; `EVERY_CHANNEL` may write to all of them."""
        if channel in self.by_channel:
            return {self.by_channel[channel]}
        others = self.by_channel.values() if channel == EVERY_CHANNEL else ()
        return {address for address in (self.email, self.phone, *others) if address}


async def addresses_of(tx: Transaction, store_id: int, customer_ids: Sequence[int]) -> dict[int, CustomerAddresses]:
    if not customer_ids:
        return {}
    parameters = {"ids": array_value(customer_ids, tx.dialect)}
    addressed = select(contacts.c.customer_id, contacts.c.channel, contacts.c.address).where(
        contacts.c.store_id == store_id, contacts.c.address.is_not(None)
    )
    by_customer: dict[int, dict[str, str]] = {}
    found = rows_by_ids(addressed, contacts.c.customer_id, "ids", tx.dialect)
    for customer_id, channel, address in await tx.execute(found, parameters):
        by_customer.setdefault(customer_id, {})[channel] = address
    profiles = select(customers.c.id, customers.c.email, customers.c.phone).where(customers.c.store_id == store_id)
    rows = await tx.execute(rows_by_ids(profiles, customers.c.id, "ids", tx.dialect), parameters)
    return {row.id: CustomerAddresses(row.email, row.phone, by_customer.get(row.id, {})) for row in rows}


async def holders(
    tx: Transaction, store_id: int, addresses: Iterable[str], channels: Iterable[str]
) -> dict[str, list[int]]:
    """Return who has each address as e-mail address or phone number, or as a contact on one of the channels."""
    known: dict[str, list[int]] = {}
    listed = sorted(addresses)
    if not listed:
        return known
    columns = (customers.c.email, customers.c.phone)
    statements = [
        select(column.label("address"), customers.c.id).where(customers.c.store_id == store_id, column.in_(listed))
        for column in columns
    ]
    on_channels = (contacts.c.store_id == store_id, contacts.c.channel.in_(sorted(channels)))
    statements.append(
        select(contacts.c.address, contacts.c.customer_id).where(*on_channels, contacts.c.address.in_(listed))
    )
    for statement in statements:
        for address, customer_id in await tx.execute(statement):
            known.setdefault(address, []).append(customer_id)
    return known


async def add(tx: Transaction, store_id: int, added: Iterable[Objection]) -> None:
    """Add objections; one that is in force keeps its moment, and one that was lifted since then stays so."""
    # The latest of what the customers of one address have said; of those, the first customer.
    latest: dict[tuple[str, str, ObjectionReason], Objection] = {}
    for objection in added:
        key = objection.address, objection.channel, objection.reason
        known = latest.get(key)
        if known is None or objection.since > known.since:
            latest[key] = objection
    rows = [latest[key] for key in sorted(latest)]
    if not rows:
        return
    await _lock(tx, store_id)
    names = ("address", "channel", "reason", "customer_id", "since")
    values = [tuple(getattr(row, name) for name in names) for row in rows]
    statement = insert_into(objections, tx.dialect)
    if tx.dialect == "postgresql":
        arrays = [
            literal(list(column), ARRAY(_c[name].type))
            for name, column in zip(names, zip(*values, strict=True), strict=True)
        ]
        new = func.unnest(*arrays).table_valued(*names, name="new").render_derived()
        statement = statement.from_select(
            ["store_id", *names], select(literal(store_id, _c.store_id.type), *new.c).where(true())
        )
        await tx.execute(_unless_lifted(statement))
    else:
        await tx.execute(
            _unless_lifted(statement),
            [{"store_id": store_id, **dict(zip(names, row, strict=True))} for row in values],
        )


async def add_for(
    tx: Transaction, store_id: int, reason: ObjectionReason, said: Mapping[tuple[int, str], datetime]
) -> None:
    """Have the addresses object that customers have on channels, by customer and channel since when."""
    addresses = await addresses_of(tx, store_id, sorted({customer_id for customer_id, _ in said}))
    objecting = [
        Objection(address, channel, reason, customer_id, since)
        for (customer_id, channel), since in said.items()
        if customer_id in addresses
        for address in addresses[customer_id].on(channel)
    ]
    await add(tx, store_id, objecting)


async def add_of_records(tx: Transaction, store_id: int, customer_ids: Sequence[int], now: datetime) -> None:
    """Have the addresses object that customers have now who are unsubscribed or blacklisted, each since then.

    `customer_ids`: `RECORDS_AT_ONCE` at most.
    """
    parameters = {"ids": array_value(customer_ids, tx.dialect)}
    customer, contact = customers.c, contacts.c
    profiles = select(customer.id, customer.email, customer.phone, customer.blacklisted)
    found = rows_by_ids(profiles.where(customer.store_id == store_id), customer.id, "ids", tx.dialect)
    by_id = {row.id: row for row in await tx.execute(found, parameters)}
    answers = select(contact.customer_id, contact.channel, contact.address, contact.consent, contact.consent_at)
    answers = answers.where(contact.store_id == store_id)
    rows = (await tx.execute(rows_by_ids(answers, contact.customer_id, "ids", tx.dialect), parameters)).all()
    said: list[Objection] = []
    for row in rows:
        profile = by_id[row.customer_id]
        if row.consent == Consent.UNSUBSCRIBED:
            said += [
                Objection(address, row.channel, ObjectionReason.UNSUBSCRIBED, profile.id, row.consent_at or now)
                for address in ((profile.email, profile.phone) if row.address is None else (row.address,))
                if address is not None
            ]
        if profile.blacklisted and row.address is not None:
            said.append(Objection(row.address, EVERY_CHANNEL, ObjectionReason.BLACKLISTED, profile.id, now))
    said += [
        Objection(address, EVERY_CHANNEL, ObjectionReason.BLACKLISTED, profile.id, now)
        for profile in by_id.values()
        if profile.blacklisted
        for address in (profile.email, profile.phone)
        if address is not None
    ]
    await add(tx, store_id, said)


async def lift_for(
    tx: Transaction, store_id: int, customer_ids: Sequence[int], channel: str, now: datetime, *reasons: ObjectionReason
) -> None:
    """Lift what the addresses object to that the customers have on a channel, or on every one."""
    known = await addresses_of(tx, store_id, customer_ids)
    addresses = {address for customer in known.values() for address in customer.on(channel)}
    await lift(tx, store_id, addresses, now, *reasons, channel=channel)


async def lift(
    tx: Transaction,
    store_id: int,
    addresses: Iterable[str],
    now: datetime,
    *reasons: ObjectionReason,
    channel: str | None = None,
) -> None:
    """Lift what addresses object to for these reasons: on the channel and on every channel, or wherever it is."""
    listed = sorted(addresses)
    for start in range(0, len(listed), _AT_ONCE):
        lifted = update(objections).where(
            _c.store_id == store_id,
            _c.address.in_(listed[start : start + _AT_ONCE]),
            _c.reason.in_(reasons),
            _c.lifted_at.is_(None),
        )
        if channel is not None:
            lifted = lifted.where(_c.channel.in_((channel, EVERY_CHANNEL)))
        await tx.execute(lifted.values(lifted_at=now))


async def lift_blacklisting(tx: Transaction, store_id: int, customer_id: int, now: datetime) -> None:
    """Lift that of the customer's addresses, but for those that another blacklisted customer has too."""
    known = (await addresses_of(tx, store_id, [customer_id]))[customer_id]
    others = await holders(tx, store_id, known.on(EVERY_CHANNEL), known.by_channel)
    is_blacklisted = (customers.c.store_id == store_id, customers.c.blacklisted)
    other_ids = {other_id for ids in others.values() for other_id in ids}
    rows = await tx.execute(select(customers.c.id).where(*is_blacklisted, customers.c.id.in_(other_ids)))
    blacklisted = set(rows.scalars())
    lifted = {address for address in known.on(EVERY_CHANNEL) if blacklisted.isdisjoint(others.get(address, ()))}
    await lift(tx, store_id, lifted, now, ObjectionReason.BLACKLISTED)


async def addresses_said_by(tx: Transaction, store_id: int, customer_id: int) -> set[str]:
    """Return the addresses that object and that the customer had, then or now."""
    addresses = select(_c.address).where(_c.store_id == store_id, _c.customer_id == customer_id)
    return set((await tx.execute(addresses)).scalars())


async def forget(tx: Transaction, store_id: int, addresses: Iterable[str]) -> None:
    """Delete all that addresses object to: somebody is erased, and hashes stay in their place."""
    await tx.execute(delete(objections).where(_c.store_id == store_id, _c.address.in_(sorted(addresses))))


def in_force(store_id: ColumnElement[int] | int, channel: ColumnElement[str] | str) -> ColumnElement[bool]:
    """Return the condition of rows of `objections` that keep messages of a channel from their address."""
    return and_(
        _c.store_id == store_id,
        or_(_c.channel == channel, _c.channel == EVERY_CHANNEL),
        _c.lifted_at.is_(None),
    )


def _unless_lifted(statement: Any) -> Any:
    """Return the INSERT of objections as one that leaves alone those in force, and those lifted after the new ones."""
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=list(objections.primary_key.columns),
        set_={"customer_id": new.customer_id, "since": new.since, "lifted_at": null()},
        where=_c.lifted_at <= new.since,
    )


async def _lock(tx: Transaction, store_id: int) -> None:
    """Wait for intents to send that are being written, and have later ones wait: SQLite has one writer anyway."""
    if tx.dialect == "postgresql":
        await tx.execute(select(func.pg_advisory_xact_lock(_LOCK, store_id)))


async def lock_out(tx: Transaction, store_id: int) -> None:
    """Have whoever objects wait until the transaction, an intent's, ends; what was said before is seen behind this."""
    if tx.dialect == "postgresql":
        await tx.execute(select(func.pg_advisory_xact_lock_shared(_LOCK, store_id)))
