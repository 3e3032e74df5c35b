"""Stores a customer's contacts, with the time and the source of each consent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain import changes as change_log
from domain.changes import ChangeKind
from domain.customers import objections, queries, writes
from domain.customers.model import Consent, Contact, ContactChange, ObjectionReason
from domain.kit.db import Transaction
from domain.kit.values import UNSET, Unset


async def save_contacts(
    tx: Transaction,
    store_id: int,
    changes: Mapping[int, Sequence[ContactChange]],
    now: datetime,
    source: str | None,
    said_at: Mapping[tuple[int, str], datetime] | None = None,
) -> None:
    """Change contacts by customer, and what their addresses object to.

    `source` is stored with each consent that changes. `said_at` has the moment, by customer and channel, of those who
    objected before now.
    """
    if not changes:
        return
    customer_ids = list(changes)
    contacts = await queries.contacts_of(tx, store_id, customer_ids)
    sources = await writes.consent_sources_of(tx, store_id, customer_ids)
    changed: list[writes.SourcedContact] = []
    transitions: list[_Transition] = []
    for customer_id, contact_changes in changes.items():
        by_channel = {contact.channel: contact for contact in contacts[customer_id]}
        for change in contact_changes:
            channel = change.channel
            before = by_channel.get(channel) or Contact(channel, None, Consent.NOT_SUBSCRIBED, None, invalid=False)
            after = changed_contact(before, change, now)
            has_new_consent = after.consent_at != before.consent_at
            consent_source = source if has_new_consent else sources.get((customer_id, channel))
            changed.append(writes.SourcedContact(customer_id, after, consent_source))
            transitions.append(_Transition(customer_id, change, by_channel.get(channel), after))
    await writes.put_contacts(tx, store_id, changed)
    await change_log.record_change(tx, store_id, ChangeKind.CONTACTS, customer_ids)
    # Sending locks the rows of its recipients, and so sees this or waits: domain/deliveries/intents.py.
    await writes.touch(tx, store_id, customer_ids, now)
    await _save_objections(tx, store_id, transitions, now, said_at or {})


@dataclass(frozen=True, slots=True)
class _Transition:
    """A customer's contact before and after a change; `before` is None where there was none."""

    customer_id: int
    change: ContactChange
    before: Contact | None
    after: Contact


async def _save_objections(
    tx: Transaction,
    store_id: int,
    transitions: Sequence[_Transition],
    now: datetime,
    said_at: Mapping[tuple[int, str], datetime],
) -> None:
    """Lift what an address objected to that was corrected, or whose customer takes it back; add what others say."""
    objecting: dict[tuple[int, str], datetime] = {}
    taken_back: dict[str, list[int]] = {}
    corrected: dict[str, list[str]] = {}
    for transition in transitions:
        before, after, channel = transition.before, transition.after, transition.after.channel
        if before is not None and after.address and after.address != before.address:
            corrected.setdefault(channel, []).append(after.address)
        if after.consent is Consent.UNSUBSCRIBED:
            # Said once more, it counts from now; with another address alone, from when it was said.
            since = after.consent_at if isinstance(transition.change.consent, Unset) else now
            key = (transition.customer_id, channel)
            objecting[key] = said_at.get(key, since or now)
        elif before is not None and before.consent is Consent.UNSUBSCRIBED and after.consent is Consent.SUBSCRIBED:
            taken_back.setdefault(channel, []).append(transition.customer_id)
    for channel, addresses in corrected.items():
        await objections.lift(tx, store_id, addresses, now, ObjectionReason.BOUNCED, channel=channel)
    for channel, ids in taken_back.items():
        await objections.lift_for(tx, store_id, ids, channel, now, ObjectionReason.UNSUBSCRIBED)
    await objections.add_for(tx, store_id, ObjectionReason.UNSUBSCRIBED, objecting)


def changed_contact(contact: Contact, change: ContactChange, now: datetime) -> Contact:
    """Return the contact as it is after the change; a consent that is repeated keeps its time."""
    if not isinstance(change.address, Unset) and change.address != contact.address:
        contact = replace(contact, address=change.address, invalid=False)
    if change.consent is not UNSET and change.consent is not contact.consent:
        contact = replace(contact, consent=change.consent, consent_at=now)
    return contact
