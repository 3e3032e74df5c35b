"""Applies events to what follows from them: wallets, coupons, first visits, orders, consents and failing addresses."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import TypeVar

from sqlalchemy import select

from domain.customers import objections
from domain.customers import queries as customers
from domain.customers.contacts import save_contacts
from domain.customers.model import Consent, ContactChange, ObjectionReason
from domain.customers.writes import mark_invalid
from domain.events.model import Event
from domain.events.tables import events as event_rows
from domain.events.types import ORDER_CHANGES
from domain.ingestion import first_visits
from domain.kit.clock import day_of
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import array_value, in_array
from domain.orders import changes
from domain.orders.model import SaleRules, parse_amount
from domain.wallets import actions as wallets
from domain.wallets.model import COUPON_RECEIVED, COUPON_USED, CouponChange, Wallet, WalletChange

_BATCH = 1_000
_SOURCE = "event"
_NEVER = datetime.min.replace(tzinfo=UTC)
T = TypeVar("T")


async def apply_events(
    tx: Transaction, store_id: int, events: Sequence[Event], rules: SaleRules, now: datetime
) -> list[int]:
    """Apply events that are in the log. Return the customers whose orders changed: their facts are to be recounted."""
    await first_visits.record_first_visits(tx, store_id, events)
    for wallet in Wallet:
        for customer_ids in _customers_with(events, {wallet.event}):
            wallet_changes = await histories(
                tx, store_id, customer_ids, {wallet.event}, lambda row: wallet_change(row, rules.timezone)
            )
            await wallets.recompute(tx, store_id, wallet, wallet_changes)
    for customer_ids in _customers_with(events, {COUPON_RECEIVED, COUPON_USED}):
        coupon_changes = await histories(tx, store_id, customer_ids, {COUPON_RECEIVED, COUPON_USED}, coupon_change)
        await wallets.recompute_coupons(tx, store_id, coupon_changes)
    await _apply_to_contacts(tx, store_id, events, now)
    order_ids = [event.subject for event in events if event.type in ORDER_CHANGES and event.subject]
    return await changes.apply_changes(tx, store_id, order_ids, rules)


def _customers_with(events: Iterable[Event], types: set[str]) -> Iterator[list[int]]:
    """Yield the customers with such an event in batches, of which the histories fit into memory."""
    customer_ids = sorted({event.customer_id for event in events if event.type in types})
    for start in range(0, len(customer_ids), _BATCH):
        yield customer_ids[start : start + _BATCH]


async def histories(
    tx: Transaction, store_id: int, customer_ids: Sequence[int], types: set[str], read: Callable[[AnyRow], T]
) -> dict[int, list[T]]:
    """Return all events of these types of the customers, as `read` makes them of the rows."""
    event = event_rows.c
    rows = await tx.execute(
        select(event.id, event.customer_id, event.type, event.occurred_at, event.attributes).where(
            event.store_id == store_id,
            in_array(event.customer_id, "customer_ids", tx.dialect),
            event.type.in_(types),
        ),
        {"customer_ids": array_value(customer_ids, tx.dialect)},
    )
    rows_by_customer: dict[int, list[T]] = defaultdict(list)
    for row in rows:
        rows_by_customer[row.customer_id].append(read(row))
    return rows_by_customer


def wallet_change(row: AnyRow, timezone: str) -> WalletChange:
    """Return the change that an event's row is."""
    reason = row.attributes.get("reason")
    return WalletChange(
        id=row.id,
        occurred_at=row.occurred_at,
        day=day_of(row.occurred_at, timezone),
        amount=parse_amount(row.attributes["amount"]),
        reason=None if reason is None else str(reason)[:100],
        expires_on=_expiry(row),
    )


def coupon_change(row: AnyRow) -> CouponChange:
    """Return the change that an event's row is."""
    coupon = str(row.attributes["coupon"]).strip()[:100]
    code = str(row.attributes.get("code") or coupon).strip()[:100]
    return CouponChange(row.occurred_at, coupon, code, row.type == COUPON_USED, _expiry(row))


def _expiry(row: AnyRow) -> date | None:
    day = row.attributes.get("expires_on")
    return None if day is None else date.fromisoformat(str(day).strip())


async def _apply_to_contacts(tx: Transaction, store_id: int, events: Sequence[Event], now: datetime) -> None:
    """Note the objections of customers who have not consented since, and the addresses that bounce for good."""
    bounced: dict[str, set[int]] = defaultdict(set)
    unsubscribed: dict[tuple[int, str], datetime] = {}
    complained: dict[tuple[int, str], datetime] = {}
    for event in events:
        channel, _, verb = event.type.partition(".")
        if verb in {"unsubscribed", "complained"}:
            objecting = unsubscribed if verb == "unsubscribed" else complained
            contact = (event.customer_id, channel)
            objecting[contact] = max(event.occurred_at, objecting.get(contact, _NEVER))
        elif verb == "bounced" and event.attributes.get("permanent") is True:
            bounced[channel].add(event.customer_id)
    if unsubscribed or complained:
        customer_ids = sorted({customer_id for customer_id, _ in (*unsubscribed, *complained)})
        contacts = await customers.contacts_of(tx, store_id, customer_ids)
        consented = {
            (customer_id, contact.channel): contact.consent_at or _NEVER
            for customer_id, customer_contacts in contacts.items()
            for contact in customer_contacts
        }
        contact_changes: dict[int, list[ContactChange]] = defaultdict(list)
        for (customer_id, channel), unsubscribed_at in unsubscribed.items():
            if unsubscribed_at >= consented.get((customer_id, channel), _NEVER):
                contact_changes[customer_id].append(ContactChange(channel, consent=Consent.UNSUBSCRIBED))
        await save_contacts(tx, store_id, contact_changes, now, _SOURCE, said_at=unsubscribed)
        since_then = {
            contact: complained_at
            for contact, complained_at in complained.items()
            if complained_at >= consented.get(contact, _NEVER)
        }
        await objections.add_for(tx, store_id, ObjectionReason.COMPLAINED, since_then)
    for channel, ids in bounced.items():
        await mark_invalid(tx, store_id, sorted(ids), channel, now)
