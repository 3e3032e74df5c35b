"""Keeps the no of persons who were erased: keyed hashes of what they were known by, and nothing that names them.

A no belongs to an address, whoever comes with it: by an upsert, a file or an event, such a customer comes in
unsubscribed, and what a hash has kept is an objection of the address again. Their own new consent lifts it.
"""

import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TypeVar

from sqlalchemy import delete, exists, select

from domain.addresses import canonical_address, former_spellings
from domain.consents.tables import suppressions
from domain.customers import objections, writes
from domain.customers.contacts import save_contacts
from domain.customers.model import Consent, ContactChange, ObjectionReason
from domain.customers.objections import EVERY_CHANNEL, Objection
from domain.customers.tables import contacts, customers
from domain.installation.model import LastingKeys
from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, in_array, insert_into
from domain.stores.tables import channel_installations

SOURCE = "erasure"
_AT_ONCE = 5_000
_FEW, _MANY = 500, 20_000
Key = TypeVar("Key")


def suppression_key(keys: LastingKeys) -> bytes:
    """Return the key of the hashes, which lasts as long as the installation."""
    return keys.derive("muster suppressions")


def address_hash(key: bytes, store_id: int, address: str) -> bytes:
    """Return the keyed hash of an e-mail address, a phone number or a handle, whatever the channel that it is for."""
    return _hash(key, store_id, "address", canonical_address(address))


def external_id_hash(key: bytes, store_id: int, external_id: str) -> bytes:
    return _hash(key, store_id, "external_id", external_id.strip())


def _hash(key: bytes, store_id: int, kind: str, text: str) -> bytes:
    return hmac.digest(key, f"{store_id}\0{kind}\0{text}".encode(), sha256)


def hashes_of(key: bytes, store_id: int, external_id: str | None, addresses: Iterable[str | None]) -> set[bytes]:
    """Return the hashes of all that somebody is known by.

    Earlier releases hashed an address as it was stored, so that one with a domain outside ASCII has two.
    """
    spellings = {spelling for address in addresses if address for spelling in former_spellings(address)}
    hashes = {_hash(key, store_id, "address", spelling) for spelling in spellings}
    return hashes | {external_id_hash(key, store_id, external_id)} if external_id else hashes


@dataclass(frozen=True, slots=True)
class Suppression:
    """A no that a hash has kept, and since when; `channel` is `EVERY_CHANNEL` after an erasure."""

    channel: str
    since: datetime


async def hashes_by_customer(
    tx: Transaction, key: bytes, store_id: int, customer_ids: Sequence[int]
) -> dict[int, set[bytes]]:
    """Return the hashes of what each customer is known by now."""
    external_ids = select(customers.c.id, customers.c.external_id).where(
        customers.c.store_id == store_id, in_array(customers.c.id, "ids", tx.dialect)
    )
    rows = await tx.execute(external_ids, {"ids": array_value(customer_ids, tx.dialect)})
    addresses = await objections.addresses_of(tx, store_id, customer_ids)
    return {row.id: hashes_of(key, store_id, row.external_id, addresses[row.id].on(EVERY_CHANNEL)) for row in rows}


async def record(
    tx: Transaction, store_id: int, hashes: Iterable[bytes], now: datetime, channel: str = EVERY_CHANNEL
) -> None:
    """Keep the no of somebody who is erased."""
    keys = {"store_id": store_id, "channel": channel, "created_at": now}
    rows = [{"hash": hashed, **keys} for hashed in sorted(hashes)]
    if rows:
        statement = insert_into(suppressions, tx.dialect)
        latest = {"created_at": statement.excluded.created_at}
        index = list(suppressions.primary_key.columns)
        await tx.execute(statement.on_conflict_do_update(index_elements=index, set_=latest), rows)


async def said_no(tx: Transaction, store_id: int, hashes: Iterable[bytes]) -> Mapping[bytes, Sequence[Suppression]]:
    """Return those of the hashes that the store keeps, with what each has said no to."""
    ordered = sorted(set(hashes))
    columns = suppressions.c.hash, suppressions.c.channel, suppressions.c.created_at
    said: dict[bytes, list[Suppression]] = defaultdict(list)
    if len(ordered) > _FEW:
        # Most stores keep fewer than a part of a file has rows: to read all of them costs less than to ask for each.
        all_of_store = select(*columns).where(suppressions.c.store_id == store_id).order_by(suppressions.c.hash)
        kept = (await tx.execute(all_of_store.limit(_MANY + 1))).all()
        if len(kept) <= _MANY:
            asked = set(ordered)
            for row in kept:
                if bytes(row.hash) in asked:
                    said[bytes(row.hash)].append(Suppression(row.channel, row.created_at))
            return said
    for start in range(0, len(ordered), _AT_ONCE):
        is_kept = (suppressions.c.store_id == store_id, suppressions.c.hash.in_(ordered[start : start + _AT_ONCE]))
        for row in await tx.execute(select(*columns).where(*is_kept)):
            said[bytes(row.hash)].append(Suppression(row.channel, row.created_at))
    return said


async def erased_since(tx: Transaction, store_id: int, hashes: Mapping[Key, Set[bytes]], moment: datetime) -> list[Key]:
    """Return those, by whatever they are told apart, whose hashes are of somebody who was erased since the moment."""
    since = await said_no(tx, store_id, (hashed for known_by in hashes.values() for hashed in known_by))
    return [
        key
        for key, known_by in hashes.items()
        if any(
            no.channel == EVERY_CHANNEL and no.since >= moment
            for hashed in known_by & since.keys()
            for no in since[hashed]
        )
    ]


async def is_needed(tx: Transaction, store_id: int) -> bool:
    """Return whether the store keeps the no of anybody: most never do."""
    return bool(await tx.scalar(select(exists().where(suppressions.c.store_id == store_id))))


async def heed(tx: Transaction, key: bytes, store_id: int, customer_ids: Sequence[int], now: datetime) -> None:
    """Have customers, who have just come in or were changed, and their addresses object to what these said no to.

    Who was erased comes in unsubscribed on all channels that the store and they have.
    """
    if not customer_ids or not await is_needed(tx, store_id):
        return
    hashes = await hashes_by_customer(tx, key, store_id, customer_ids)
    kept = await said_no(tx, store_id, (hashed for known_by in hashes.values() for hashed in known_by))
    returned = [customer_id for customer_id, known_by in hashes.items() if not known_by.isdisjoint(kept)]
    if not returned:
        return
    objecting: list[Objection] = []
    erased: dict[tuple[int, str], datetime] = {}
    for customer_id, customer in (await objections.addresses_of(tx, store_id, returned)).items():
        said = [suppression for hashed in hashes[customer_id] for suppression in kept.get(hashed, ())]
        erasures = [suppression.since for suppression in said if suppression.channel == EVERY_CHANNEL]
        if erasures:
            erased[customer_id, EVERY_CHANNEL] = max(erasures)
        for address in customer.on(EVERY_CHANNEL):
            objecting += [
                Objection(address, suppression.channel, ObjectionReason.UNSUBSCRIBED, customer_id, suppression.since)
                for suppression in kept.get(address_hash(key, store_id, address), ())
                if suppression.channel != EVERY_CHANNEL
            ]
    await _unsubscribe(tx, store_id, [customer_id for customer_id, _ in erased], now)
    await objections.add_for(tx, store_id, ObjectionReason.ERASED, erased)
    await objections.add(tx, store_id, objecting)


async def _unsubscribe(tx: Transaction, store_id: int, customer_ids: Sequence[int], now: datetime) -> None:
    if not customer_ids:
        return
    installed = select(channel_installations.c.channel).where(channel_installations.c.store_id == store_id)
    of_store = list((await tx.execute(installed)).scalars())
    channels = {customer_id: set(of_store) for customer_id in customer_ids}
    of_customers = (contacts.c.store_id == store_id, in_array(contacts.c.customer_id, "ids", tx.dialect))
    rows = await tx.execute(
        select(contacts.c.customer_id, contacts.c.channel).where(*of_customers),
        {"ids": array_value(customer_ids, tx.dialect)},
    )
    for customer_id, channel in rows:
        channels[customer_id].add(channel)
    changes = {
        customer_id: [ContactChange(channel, consent=Consent.UNSUBSCRIBED) for channel in sorted(of_customer)]
        for customer_id, of_customer in channels.items()
    }
    await save_contacts(tx, store_id, changes, now, SOURCE)


async def object_to(tx: Transaction, key: bytes, store_id: int, address: str, channel: str, now: datetime) -> None:
    """Have an address object to a channel; where no customer has it any more, its hash is all that is kept."""
    has_address = (await objections.holders(tx, store_id, [address], [channel])).get(address)
    if has_address is None:
        # Whoever brings customers in waits, or has committed and is seen here.
        await writes.take_numbers(tx, store_id, 0)
        has_address = (await objections.holders(tx, store_id, [address], [channel])).get(address)
    if has_address is None:
        await record(tx, store_id, [address_hash(key, store_id, address)], now, channel)
    else:
        objection = Objection(address, channel, ObjectionReason.UNSUBSCRIBED, min(has_address), now)
        await objections.add(tx, store_id, [objection])


async def erase_objections(tx: Transaction, store_id: int, addresses: Iterable[str], now: datetime) -> None:
    """Delete what the addresses of somebody who is erased object to.

    An address that another customer has objects from now on to everything: the hash counts for who comes later.
    """
    erased = set(addresses)
    await objections.forget(tx, store_id, erased)
    channels = select(channel_installations.c.channel).where(channel_installations.c.store_id == store_id)
    others = await objections.holders(tx, store_id, erased, (await tx.execute(channels)).scalars())
    await objections.add(
        tx,
        store_id,
        [
            Objection(address, EVERY_CHANNEL, ObjectionReason.ERASED, min(customer_ids), now)
            for address, customer_ids in others.items()
        ],
    )


async def lift(tx: Transaction, key: bytes, store_id: int, customer_id: int, channel: str, now: datetime) -> None:
    """Forget the no to a channel of what the customer is known by, who has consented anew, and that of an erasure."""
    hashes = (await hashes_by_customer(tx, key, store_id, [customer_id])).get(customer_id, set())
    is_lifted = (
        suppressions.c.store_id == store_id,
        suppressions.c.hash.in_(sorted(hashes)),
        suppressions.c.channel.in_((channel, EVERY_CHANNEL)),
    )
    await tx.execute(delete(suppressions).where(*is_lifted))
    await objections.lift_for(tx, store_id, [customer_id], EVERY_CHANNEL, now, ObjectionReason.ERASED)
