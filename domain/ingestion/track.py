"""Takes in what customers did; what came before is left alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Column, insert, select

from domain import changes
from domain.changes import ChangeKind
from domain.customers import writes
from domain.customers.key import CustomerKey
from domain.customers.tables import customer_facts, customers
from domain.events import log
from domain.events.entry import Event
from domain.events.log_tables import event_counters
from domain.events.log_tables import events as event_rows
from domain.ingestion import projections, validation
from domain.ingestion.model import MAX_BATCH, CustomEvent, TrackedEvent
from domain.kit.db import Transaction
from domain.kit.db.portable import learn_statistics
from domain.kit.errors import DomainError, DomainErrors, ErrorCode, ErrorCollector, NotFound
from domain.orders import changes as order_changes
from domain.orders import facts, rows
from domain.orders.model import Order
from domain.orders.tables import order_item_facets, order_items, orders
from domain.stores import queries as stores
from domain.wallets.tables import lots

_MANY = 500
E = TypeVar("E", Order, CustomEvent)


@dataclass(frozen=True, slots=True)
class TrackResult:
    accepted: int
    duplicates: int


async def track(tx: Transaction, store_id: int, events: Sequence[TrackedEvent], now: datetime) -> TrackResult:
    """All of them, or none with the fault of each. A customer unknown by external id or e-mail is made."""
    if len(events) > MAX_BATCH:
        said = f"{len(events):,} events are too many: {MAX_BATCH:,} at most"
        raise DomainError(said, field=("events",), code=ErrorCode.LIMIT_EXCEEDED)
    cleaned = _clean_all(events)
    # Alone with the store's customers: neither a customer nor an event comes in twice.
    first_number = await writes.take_numbers(tx, store_id, len(cleaned))
    placed = _first(event for event in cleaned if isinstance(event, Order))
    happened = _first(event for event in cleaned if isinstance(event, CustomEvent))
    new_orders = await _new(tx, store_id, orders.c.id, placed)
    new_events = await _new(tx, store_id, event_rows.c.id, happened)
    fresh: list[Order | CustomEvent] = [placed[order_id] for order_id in new_orders]
    fresh += [happened[event_id] for event_id in new_events]
    places = {id(event): at for at, event in enumerate(cleaned)}
    keys = {places[id(event)]: event.customer for event in fresh}
    known = await _customers(tx, store_id, keys, first_number, now)
    await _take_in(tx, store_id, fresh, known, now)
    return TrackResult(len(fresh), len(events) - len(fresh))


async def _take_in(
    tx: Transaction, store_id: int, fresh: Sequence[Order | CustomEvent], known: "Known", now: datetime
) -> None:
    """What is new, and all that follows from it."""
    if len(fresh) > _MANY:
        await learn_statistics(tx, customers, customer_facts, orders, order_items, event_rows, event_counters, lots)
    timezone = await stores.timezone_of(tx, store_id)
    entries = [_entry(event, known) for event in fresh if isinstance(event, CustomEvent)]
    await log.append(tx, store_id, entries, now)
    changed = set(await projections.fold(tx, store_id, entries, timezone, now))
    bought = [(order, known[order.customer]) for order in fresh if isinstance(order, Order)]
    await _add_orders(tx, store_id, bought, timezone, now)
    changed |= {customer_id for _, customer_id in bought}
    await facts.recount_ids(tx, store_id, changed)
    await changes.record_change(tx, store_id, ChangeKind.ORDERS, changed)
    ahead = [(customer_id, order.placed_at) for order, customer_id in bought if order.placed_at > now]
    await changes.record_future_change(tx, store_id, ChangeKind.ORDERS, ahead)


def _first(events: Iterable[E]) -> dict[str, E]:
    """By id; of two with the same the first."""
    found: dict[str, E] = {}
    for event in events:
        found.setdefault(event.id, event)
    return found


def _clean_all(events: Sequence[TrackedEvent]) -> list[Order | CustomEvent]:
    cleaned: list[Order | CustomEvent] = []
    errors = ErrorCollector()
    for at, event in enumerate(events):
        with errors.under("events", at):
            cleaned.append(validation.clean(event))
    errors.raise_any()
    return cleaned


async def _new(tx: Transaction, store_id: int, column: Column[str], given: Iterable[str]) -> list[str]:
    wanted = list(given)
    if not wanted:
        return []
    had = await tx.execute(select(column).where(column.table.c.store_id == store_id, column.in_(wanted)))
    taken = set(had.scalars())
    return [key for key in wanted if key not in taken]


Known = dict[CustomerKey, int]


async def _customers(
    tx: Transaction, store_id: int, keys: Mapping[int, CustomerKey], first_number: int, now: datetime
) -> Known:
    """Who did each of the events; who is unknown is made, unless it was named by a number of ours."""
    known = await _look_up(tx, store_id, list(keys.values()))
    strangers = [at for at, key in keys.items() if key.id is not None and key not in known]
    if strangers:
        raise DomainErrors(
            [NotFound("id: no such customer", field=("events", at, "customer", "id")) for at in strangers]
        )
    unknown = dict.fromkeys(key for key in keys.values() if key not in known)
    added = {key: first_number + at for at, key in enumerate(unknown)}
    await writes.add(tx, [_bare(store_id, number, key, now) for key, number in added.items()])
    return known | added


def _bare(store_id: int, number: int, key: CustomerKey, now: datetime) -> writes.Row:
    said: writes.Row = {"external_id": key.external_id, "email": key.email, "source": "event"}
    return writes.new_row(store_id, number, now) | said


async def _look_up(tx: Transaction, store_id: int, keys: Sequence[CustomerKey]) -> Known:
    by_id = await _by(tx, store_id, customers.c.id, [key.id for key in keys])
    by_external_id = await _by(tx, store_id, customers.c.external_id, [key.external_id for key in keys])
    by_email = await _by(tx, store_id, customers.c.email, [key.email for key in keys])
    return {
        **{CustomerKey(id=int(str(key))): found for key, found in by_id.items()},
        **{CustomerKey(external_id=str(key)): found for key, found in by_external_id.items()},
        **{CustomerKey(email=str(key)): found for key, found in by_email.items()},
    }


async def _by(
    tx: Transaction, store_id: int, column: "Column[int] | Column[str]", values: Iterable[object]
) -> dict[object, int]:
    wanted = {value for value in values if value is not None}
    if not wanted:
        return {}
    rows = await tx.execute(
        select(column, customers.c.id)
        .where(customers.c.store_id == store_id, column.in_(wanted))
        .order_by(customers.c.deleted_at.is_(None), customers.c.id.desc())
    )
    # The last wins: the first of those that are not deleted.
    return {row[0]: row[1] for row in rows}


def _entry(event: CustomEvent, known: Known) -> Event:
    return Event(event.id, known[event.customer], event.type, event.occurred_at, event.subject, event.attributes)


async def _add_orders(
    tx: Transaction, store_id: int, bought: Sequence[tuple[Order, int]], timezone: str, now: datetime
) -> None:
    if not bought:
        return
    placed = [rows.order_row(store_id, order, customer_id, timezone, now) for order, customer_id in bought]
    await tx.execute(insert(orders), placed)
    items = [row for order, customer_id in bought for row in rows.item_rows(store_id, order, customer_id)]
    if items:
        await tx.execute(insert(order_items), items)
    facets = [row for order, _ in bought for row in rows.facet_rows(store_id, order)]
    if facets:
        await tx.execute(insert(order_item_facets), facets)
    # What became of an order may have come in before it.
    await order_changes.settle(tx, store_id, [order.id for order, _ in bought])
