"""Effects of receipts on customers: events, once for each message and kind, and what addresses object to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from muster_sdk import ReceiptKind
from sqlalchemy import select

from domain.customers import objections, writes
from domain.customers import queries as customers
from domain.customers.contacts import save_contacts
from domain.customers.model import Consent, ContactChange, ObjectionReason
from domain.customers.objections import Objection
from domain.customers.queries import IS_SOMEBODY
from domain.customers.tables import customers as customer_rows
from domain.deliveries.proven import ProvenDelivery
from domain.events import log
from domain.events.model import Event
from domain.events.tables import event_customers
from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, in_array
from domain.receipts.queries import WaitingReceipt
from domain.sessions.outcomes import without_address

_SOURCE = "receipt"
_IDS_AT_ONCE = 2_000
_VERBS = {
    ReceiptKind.DELIVERED: "delivered",
    ReceiptKind.OPENED: "opened",
    ReceiptKind.CLICKED: "clicked",
    ReceiptKind.BOUNCED: "bounced",
    ReceiptKind.COMPLAINED: "complained",
    ReceiptKind.UNSUBSCRIBED: "unsubscribed",
}
_REASONS = {
    ReceiptKind.BOUNCED: ObjectionReason.BOUNCED,
    ReceiptKind.COMPLAINED: ObjectionReason.COMPLAINED,
    ReceiptKind.UNSUBSCRIBED: ObjectionReason.UNSUBSCRIBED,
}


@dataclass(frozen=True, slots=True)
class FoldedDelivery:
    """A delivery before and after its receipts were folded."""

    campaign_id: UUID
    before: ProvenDelivery
    after: ProvenDelivery
    receipts: Sequence[WaitingReceipt]


@dataclass(frozen=True, slots=True)
class Objected:
    """A recipient who wants no more, or an address that takes none; the address is that of the message."""

    customer_id: int
    channel: str
    address: str
    at: datetime


async def record(tx: Transaction, store_id: int, findings: Sequence[FoldedDelivery], now: datetime) -> None:
    """Record what is new of findings; of who was erased, nothing."""
    known = await _somebody(tx, store_id, [finding.before.customer_id for finding in findings])
    named = [finding for finding in findings if finding.before.customer_id in known and finding.before.address]
    # Objections lock out whoever is about to send: behind all other rows.
    await _append(tx, store_id, [event for finding in named for event in _events(finding)], now)
    said = _said(named)
    await _unsubscribe(tx, store_id, said[ObjectionReason.UNSUBSCRIBED], now)
    await _object(tx, store_id, ObjectionReason.COMPLAINED, said[ObjectionReason.COMPLAINED])
    await _bounce(tx, store_id, said[ObjectionReason.BOUNCED], now)


async def _somebody(tx: Transaction, store_id: int, customer_ids: Sequence[int]) -> set[int]:
    """Return those who were not erased; whoever erases one waits for this transaction."""
    if not customer_ids:
        return set()
    statement = (
        select(customer_rows.c.id)
        .where(customer_rows.c.store_id == store_id, in_array(customer_rows.c.id, "ids", tx.dialect), IS_SOMEBODY)
        .order_by(customer_rows.c.id)
        .with_for_update(read=True)
    )
    ids = array_value(sorted(set(customer_ids)), tx.dialect)
    return set((await tx.execute(statement, {"ids": ids})).scalars())


def _events(finding: FoldedDelivery) -> list[Event]:
    """Return the events of what is told for the first time, by the earliest receipt of each kind."""
    before, after, campaign = finding.before, finding.after, str(finding.campaign_id)
    about = f"{campaign}.{after.customer_id}"
    events: list[Event] = []
    first: dict[ReceiptKind, WaitingReceipt] = {}
    for receipt in sorted(finding.receipts, key=lambda receipt: (receipt.at, receipt.identity)):
        first.setdefault(receipt.kind, receipt)
    channel = finding.receipts[0].channel
    if before.sent_at is None and after.sent_at is not None:
        events.append(Event(about, after.customer_id, f"{channel}.sent", after.sent_at, campaign))
    for kind, verb in _VERBS.items():
        if kind in first and not before.proof.has(kind):
            receipt = first[kind]
            event_type, attributes = f"{channel}.{verb}", _attributes(receipt, after.address)
            events.append(Event(f"{about}.{verb}", after.customer_id, event_type, receipt.at, campaign, attributes))
    return events


def _attributes(receipt: WaitingReceipt, address: str) -> dict[str, object]:
    attributes: dict[str, object] = {}
    if receipt.kind is ReceiptKind.CLICKED and receipt.url:
        attributes["link"] = receipt.url
    if receipt.kind is ReceiptKind.BOUNCED:
        attributes["permanent"] = True
        if receipt.reason:
            attributes["reason"] = without_address(receipt.reason, address)
    return attributes


async def _append(tx: Transaction, store_id: int, events: Sequence[Event], now: datetime) -> None:
    """Append the events that the store does not have: the sender, or a link, may have told one before."""
    ids = sorted(event.id for event in events)
    known: set[str] = set()
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = event_customers.c.event_id.in_(ids[start : start + _IDS_AT_ONCE])
        of_store = event_customers.c.store_id == store_id
        known.update((await tx.execute(select(event_customers.c.event_id).where(of_store, some))).scalars())
    new = [event for event in events if event.id not in known]
    if new:
        await log.append(tx, store_id, new, now)


def _said(findings: Sequence[FoldedDelivery]) -> Mapping[ObjectionReason, list[Objected]]:
    said: dict[ObjectionReason, list[Objected]] = defaultdict(list)
    for finding in findings:
        for receipt in finding.receipts:
            reason = _REASONS.get(receipt.kind)
            # That an address fails is told once: it may have been corrected since.
            if reason is None or (reason is ObjectionReason.BOUNCED and finding.before.proof.has(receipt.kind)):
                continue
            said[reason].append(Objected(finding.after.customer_id, receipt.channel, finding.after.address, receipt.at))
    return said


async def _unsubscribe(tx: Transaction, store_id: int, said: Sequence[Objected], now: datetime) -> None:
    """Unsubscribe customers, but for those who have consented since, and have the addresses of messages object."""
    latest = await _since_consent(tx, store_id, said)
    changes = {customer_id: [ContactChange(channel, consent=Consent.UNSUBSCRIBED)] for customer_id, channel in latest}
    said_at = {key: objected.at for key, objected in latest.items()}
    await save_contacts(tx, store_id, changes, now, _SOURCE, said_at=said_at)
    await _object(tx, store_id, ObjectionReason.UNSUBSCRIBED, list(latest.values()))


async def _since_consent(tx: Transaction, store_id: int, said: Sequence[Objected]) -> dict[tuple[int, str], Objected]:
    """Return the latest word of each customer and channel, where no consent followed it."""
    latest: dict[tuple[int, str], Objected] = {}
    for objected in sorted(said, key=lambda objected: objected.at):
        latest[objected.customer_id, objected.channel] = objected
    contacts = await customers.contacts_of(tx, store_id, sorted({customer_id for customer_id, _ in latest}))
    for customer_id, of_customer in contacts.items():
        for contact in of_customer:
            last = latest.get((customer_id, contact.channel))
            consented_at = contact.consent_at if contact.consent is Consent.SUBSCRIBED else None
            if last is not None and consented_at is not None and consented_at > last.at:
                del latest[customer_id, contact.channel]
    return latest


async def _object(tx: Transaction, store_id: int, reason: ObjectionReason, said: Sequence[Objected]) -> None:
    if reason is ObjectionReason.COMPLAINED:
        said = list((await _since_consent(tx, store_id, said)).values())
    await objections.add(
        tx,
        store_id,
        [Objection(objected.address, objected.channel, reason, objected.customer_id, objected.at) for objected in said],
    )


async def _bounce(tx: Transaction, store_id: int, said: Sequence[Objected], now: datetime) -> None:
    """Have addresses that fail object, and mark the contacts of customers who have these still."""
    addresses = await objections.addresses_of(tx, store_id, sorted({objected.customer_id for objected in said}))
    failing: dict[str, set[int]] = defaultdict(set)
    for objected in said:
        if objected.address in addresses[objected.customer_id].on(objected.channel):
            failing[objected.channel].add(objected.customer_id)
    for channel, customer_ids in failing.items():
        await writes.mark_invalid(tx, store_id, sorted(customer_ids), channel, now)
    await _object(tx, store_id, ObjectionReason.BOUNCED, said)
