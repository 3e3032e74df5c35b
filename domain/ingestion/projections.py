"""What follows from events that came in: wallets, coupons, origins, orders that changed, addresses that fail."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TypeVar

from sqlalchemy import select

from domain.customers import queries as customers
from domain.customers.contacts import save_contacts
from domain.customers.model import Consent, ContactChange
from domain.customers.writes import mark_invalid
from domain.events.entry import Event
from domain.events.log_tables import events
from domain.events.types import ORDER_CHANGES
from domain.ingestion import first_visits
from domain.kit.clock import day_of
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import among, numbers
from domain.orders import changes
from domain.orders.model import amount
from domain.wallets import actions as wallets
from domain.wallets.model import COUPON_RECEIVED, COUPON_USED, Change, CouponChange, Wallet

_AT_ONCE = 1_000
_SOURCE = "event"
_NEVER = datetime.min.replace(tzinfo=UTC)
T = TypeVar("T")


async def fold(tx: Transaction, store_id: int, entries: Sequence[Event], timezone: str, now: datetime) -> list[int]:
    """Customers whose orders changed: their facts are to be counted again."""
    await first_visits.settle(tx, store_id, entries)
    for wallet in Wallet:
        for whose in _whose(entries, {wallet.event}):
            found = await _history(tx, store_id, whose, {wallet.event}, lambda row: _change(row, timezone))
            await wallets.settle(tx, store_id, wallet, found)
    for whose in _whose(entries, {COUPON_RECEIVED, COUPON_USED}):
        coupons = await _history(tx, store_id, whose, {COUPON_RECEIVED, COUPON_USED}, _coupon_change)
        await wallets.settle_coupons(tx, store_id, coupons)
    await _note_contacts(tx, store_id, entries, now)
    changed = [entry.subject for entry in entries if entry.type in ORDER_CHANGES and entry.subject]
    return await changes.settle(tx, store_id, changed)


def _whose(entries: Iterable[Event], types: set[str]) -> Iterator[list[int]]:
    """Customers with such an event, so many at a time that the history of all is held."""
    found = sorted({entry.customer_id for entry in entries if entry.type in types})
    for at in range(0, len(found), _AT_ONCE):
        yield found[at : at + _AT_ONCE]


async def _history(
    tx: Transaction, store_id: int, whose: Sequence[int], types: set[str], read: Callable[[AnyRow], T]
) -> dict[int, list[T]]:
    theirs = among(events.c.customer_id, "whose", tx.dialect)
    own = (events.c.store_id == store_id, theirs, events.c.type.in_(types))
    rows = await tx.execute(
        select(events.c.id, events.c.customer_id, events.c.type, events.c.occurred_at, events.c.attributes).where(*own),
        {"whose": numbers(whose, tx.dialect)},
    )
    found: dict[int, list[T]] = defaultdict(list)
    for row in rows:
        found[row.customer_id].append(read(row))
    return found


def _change(row: AnyRow, timezone: str) -> Change:
    said = row.attributes
    reason = said.get("reason")
    return Change(
        id=row.id,
        at=row.occurred_at,
        day=day_of(row.occurred_at, timezone),
        amount=amount(said["amount"]),
        reason=None if reason is None else str(reason)[:100],
        expires_on=_day(said.get("expires_on")),
    )


def _coupon_change(row: AnyRow) -> CouponChange:
    said = row.attributes
    coupon = str(said["coupon"]).strip()[:100]
    code = str(said.get("code") or coupon).strip()[:100]
    return CouponChange(row.occurred_at, coupon, code, row.type == COUPON_USED, _day(said.get("expires_on")))


def _day(said: object) -> date | None:
    return None if said is None else date.fromisoformat(str(said).strip())


async def _note_contacts(tx: Transaction, store_id: int, entries: Sequence[Event], now: datetime) -> None:
    """Who unsubscribed is not written to again; an address that bounces for good is not tried again."""
    failing: dict[str, set[int]] = defaultdict(set)
    gone: dict[tuple[int, str], datetime] = {}
    for entry in entries:
        channel, _, verb = entry.type.partition(".")
        if verb == "unsubscribed":
            gone[entry.customer_id, channel] = max(entry.occurred_at, gone.get((entry.customer_id, channel), _NEVER))
        elif verb == "bounced" and entry.attributes.get("permanent") is True:
            failing[channel].add(entry.customer_id)
    await _unsubscribe(tx, store_id, gone, now)
    for channel, whose in failing.items():
        await mark_invalid(tx, store_id, sorted(whose), channel)


async def _unsubscribe(tx: Transaction, store_id: int, gone: Mapping[tuple[int, str], datetime], now: datetime) -> None:
    """Who has consented since then stays subscribed."""
    if not gone:
        return
    had = await customers.contacts_of(tx, store_id, sorted({customer_id for customer_id, _ in gone}))
    since = {
        (customer_id, contact.channel): contact.consent_at or _NEVER
        for customer_id, own in had.items()
        for contact in own
    }
    changes: dict[int, list[ContactChange]] = defaultdict(list)
    for (customer_id, channel), at in gone.items():
        if at >= since.get((customer_id, channel), _NEVER):
            changes[customer_id].append(ContactChange(channel, consent=Consent.UNSUBSCRIBED))
    await save_contacts(tx, store_id, changes, now, _SOURCE)
