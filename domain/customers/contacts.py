"""Keeps a customer's contacts, and when and where each consent was given or taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from domain import changes
from domain.changes import ChangeKind
from domain.customers import queries, writes
from domain.customers.model import Consent, Contact, ContactChange
from domain.kit.db import Transaction
from domain.kit.values import UNSET, Unset


async def save_contacts(
    tx: Transaction, store_id: int, given: Mapping[int, Sequence[ContactChange]], now: datetime, source: str | None
) -> None:
    if not given:
        return
    had = await queries.contacts_of(tx, store_id, list(given))
    sources = await writes.sources_of(tx, store_id, list(given))
    rows: list[tuple[int, Contact, str | None]] = []
    for customer_id, said in given.items():
        own = {contact.channel: contact for contact in had[customer_id]}
        for change in said:
            before = own.get(change.channel) or Contact(change.channel, None, Consent.NOT_SUBSCRIBED, None, False)
            after = changed_contact(before, change, now)
            moved = after.consent_at != before.consent_at
            rows.append((customer_id, after, source if moved else sources.get((customer_id, change.channel))))
    await writes.put_contacts(tx, store_id, rows)
    await changes.record_change(tx, store_id, ChangeKind.CONTACTS, given)
    # Whoever is about to write to these customers locks their rows: see domain/deliveries/batches.py.
    await writes.touch(tx, store_id, list(given), now)


def changed_contact(contact: Contact, change: ContactChange, now: datetime) -> Contact:
    """The moment of a consent is that of its last change, not of its repetition."""
    if not isinstance(change.address, Unset) and change.address != contact.address:
        contact = replace(contact, address=change.address, invalid=False)
    if change.consent is not UNSET and change.consent is not contact.consent:
        contact = replace(contact, consent=change.consent, consent_at=now)
    return contact
