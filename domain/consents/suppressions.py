"""Keeps the no of persons who were erased: keyed hashes of what they were known by, and nothing that names them.

A no belongs to an address, whoever comes with it: by an upsert, a file or an event, such a customer comes in
unsubscribed. Their own new consent lifts it.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import ColumnElement, delete, exists, literal, select

from domain.addresses import canonical_address, former_spellings
from domain.consents.tables import suppressed_customers, suppressions
from domain.customers.contacts import save_contacts
from domain.customers.model import Consent, ContactChange
from domain.customers.tables import contacts, customers
from domain.installation.model import LastingKeys
from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, in_array, insert_into
from domain.stores.tables import channel_installations

SOURCE = "erasure"
_AT_ONCE = 5_000
_FEW, _MANY = 500, 20_000


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


async def hashes_by_customer(
    tx: Transaction, key: bytes, store_id: int, customer_ids: Sequence[int]
) -> dict[int, set[bytes]]:
    """Return the hashes of what each customer is known by now."""
    parameters = {"ids": array_value(customer_ids, tx.dialect)}
    of_customers = (customers.c.store_id == store_id, in_array(customers.c.id, "ids", tx.dialect))
    columns = customers.c.id, customers.c.external_id, customers.c.email, customers.c.phone
    rows = await tx.execute(select(*columns).where(*of_customers), parameters)
    hashes = {row.id: hashes_of(key, store_id, row.external_id, (row.email, row.phone)) for row in rows}
    addressed = (
        contacts.c.store_id == store_id,
        in_array(contacts.c.customer_id, "ids", tx.dialect),
        contacts.c.address.is_not(None),
    )
    rows = await tx.execute(select(contacts.c.customer_id, contacts.c.address).where(*addressed), parameters)
    for customer_id, address in rows:
        hashes.setdefault(customer_id, set()).update(hashes_of(key, store_id, None, [address]))
    return hashes


async def record(tx: Transaction, store_id: int, hashes: Iterable[bytes], now: datetime) -> None:
    """Keep the no of somebody who is erased."""
    rows = [{"store_id": store_id, "hash": hashed, "created_at": now} for hashed in sorted(hashes)]
    if rows:
        statement = insert_into(suppressions, tx.dialect)
        latest = {"created_at": statement.excluded.created_at}
        await tx.execute(statement.on_conflict_do_update(index_elements=["store_id", "hash"], set_=latest), rows)


async def said_no(tx: Transaction, store_id: int, hashes: Iterable[bytes]) -> Mapping[bytes, datetime]:
    """Return those of the hashes that the store keeps, and since when."""
    ordered = sorted(set(hashes))
    columns = suppressions.c.hash, suppressions.c.created_at
    if len(ordered) > _FEW:
        # Most stores keep fewer than a part of a file has rows: to read all of them costs less than to ask for each.
        all_of_store = select(*columns).where(suppressions.c.store_id == store_id).order_by(suppressions.c.hash)
        kept = (await tx.execute(all_of_store.limit(_MANY + 1))).all()
        if len(kept) <= _MANY:
            asked = set(ordered)
            return {bytes(row.hash): row.created_at for row in kept if bytes(row.hash) in asked}
    since: dict[bytes, datetime] = {}
    for start in range(0, len(ordered), _AT_ONCE):
        is_kept = (suppressions.c.store_id == store_id, suppressions.c.hash.in_(ordered[start : start + _AT_ONCE]))
        rows = await tx.execute(select(*columns).where(*is_kept))
        since |= {bytes(row.hash): row.created_at for row in rows}
    return since


async def is_needed(tx: Transaction, store_id: int) -> bool:
    """Return whether the store keeps the no of anybody: most never do."""
    return bool(await tx.scalar(select(exists().where(suppressions.c.store_id == store_id))))


async def heed(tx: Transaction, key: bytes, store_id: int, customer_ids: Sequence[int], now: datetime) -> None:
    """Unsubscribe those of the customers, who have just come in or were changed, by what they have said no with."""
    if not customer_ids or not await is_needed(tx, store_id):
        return
    hashes = await hashes_by_customer(tx, key, store_id, customer_ids)
    kept = await said_no(tx, store_id, (hashed for known_by in hashes.values() for hashed in known_by))
    returned = [customer_id for customer_id, known_by in hashes.items() if not known_by.isdisjoint(kept)]
    await unsubscribe(tx, store_id, sorted(returned), now)


async def unsubscribe(tx: Transaction, store_id: int, customer_ids: Sequence[int], now: datetime) -> None:
    """Unsubscribe customers from all channels that the store and they have, and from those that are yet to come."""
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
    suppressed = [{"store_id": store_id, "customer_id": customer_id} for customer_id in customer_ids]
    await tx.execute(insert_into(suppressed_customers, tx.dialect).on_conflict_do_nothing(), suppressed)


async def lift(tx: Transaction, key: bytes, store_id: int, customer_id: int) -> None:
    """Forget the no of what the customer is known by, who has consented anew."""
    hashes = (await hashes_by_customer(tx, key, store_id, [customer_id])).get(customer_id, set())
    is_lifted = (suppressions.c.store_id == store_id, suppressions.c.hash.in_(sorted(hashes)))
    await tx.execute(delete(suppressions).where(*is_lifted))
    suppressed = suppressed_customers.c
    is_customer = (suppressed.store_id == store_id, suppressed.customer_id == customer_id)
    await tx.execute(delete(suppressed_customers).where(*is_customer))


def is_suppressed() -> ColumnElement[bool]:
    """Return whether a row of customers is of somebody whose no counts on every channel without a consent."""
    suppressed = suppressed_customers.c
    same = (suppressed.store_id == customers.c.store_id, suppressed.customer_id == customers.c.id)
    return exists(select(literal(1)).where(*same).correlate(customers))
