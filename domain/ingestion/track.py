"""Stores what customers did, each event once, and all that follows from it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import Column, select

from domain import changes
from domain.changes import ChangeKind
from domain.customers import identity, writes
from domain.customers.identity import Identifiers
from domain.customers.key import CustomerKey
from domain.customers.queries import IS_SOMEBODY
from domain.customers.tables import customer_facts, customers
from domain.events import log
from domain.events.model import Event
from domain.events.tables import event_counters, event_customers
from domain.events.tables import events as event_rows
from domain.ingestion import projections, validation
from domain.ingestion.fields import ATTRIBUTES
from domain.ingestion.model import MAX_BATCH, CustomEvent, TrackedEvent
from domain.kit.db import Transaction
from domain.kit.db.portable import ensure_statistics
from domain.kit.errors import DomainError, DomainErrors, ErrorCode, ErrorCollector, NotFound
from domain.orders import changes as order_changes
from domain.orders import facts, statuses
from domain.orders import writes as order_writes
from domain.orders.model import MAX_SPENT, Order, PlacedOrder, SaleRules
from domain.orders.tables import order_customers, order_items, orders
from domain.wallets.tables import lots

# So many new rows change PostgreSQL's plans for the statements after them.
_MANY = 500
CustomerIds = dict[CustomerKey, int]
E = TypeVar("E", Order, CustomEvent)


@dataclass(frozen=True, slots=True)
class TrackResult:
    """The number of events that were stored, and of those that were stored before or came twice."""

    accepted: int
    duplicates: int
    # Customers who were unknown until now.
    added: frozenset[int] = frozenset()


async def track(tx: Transaction, store_id: int, events: Sequence[TrackedEvent], now: datetime) -> TrackResult:
    """Store the events and what follows from them, and add customers that are unknown by external id or email.

    Raise DomainErrors with what is wrong of each event; then none is stored.
    """
    if len(events) > MAX_BATCH:
        message = f"{len(events):,} events are too many: {MAX_BATCH:,} at most"
        raise DomainError(message, field=("events",), code=ErrorCode.LIMIT_EXCEEDED)
    cleaned: list[Order | CustomEvent] = []
    errors = ErrorCollector()
    for index, event in enumerate(events):
        with errors.under("events", index):
            cleaned.append(validation.clean_event(event))
    errors.raise_any()
    # Locks the store's customers until the end: no customer and no event is added twice.
    first_number = await writes.take_numbers(tx, store_id, len(cleaned))
    new_orders = await _new(
        tx, store_id, order_customers.c.order_id, (event for event in cleaned if isinstance(event, Order))
    )
    new_events = await _new(
        tx, store_id, event_customers.c.event_id, (event for event in cleaned if isinstance(event, CustomEvent))
    )
    indexes = {id(event): index for index, event in enumerate(cleaned)}
    accepted: list[Order | CustomEvent] = [*new_orders, *new_events]
    keys = {indexes[id(event)]: event.customer for event in accepted}
    customer_ids = await _customer_ids(tx, store_id, keys, first_number, now)
    rules = await statuses.rules(tx, store_id)
    totals = _totals(new_orders, customer_ids, rules)
    overspent = await facts.overspent(tx, store_id, totals) if totals else ()
    if overspent:
        message = f"total: with it, the customer's orders come to more than {MAX_SPENT:,}"
        raise DomainErrors(
            DomainError(message, field=("events", indexes[id(order)], *ATTRIBUTES, "total"))
            for order in new_orders
            if customer_ids[order.customer] in overspent
        )
    await _store(tx, store_id, new_orders, new_events, customer_ids, rules, now)
    added = frozenset(number for number in customer_ids.values() if number >= first_number)
    return TrackResult(len(accepted), len(events) - len(accepted), added)


def _totals(orders: Iterable[Order], customer_ids: CustomerIds, rules: SaleRules) -> dict[int, Decimal]:
    """Return what orders in the store's currency come to, by customer."""
    totals: dict[int, Decimal] = defaultdict(Decimal)
    for order in orders:
        total = rules.amounts(order.total, order.currency).total
        if total is not None:
            totals[customer_ids[order.customer]] += total
    return totals


async def _new(tx: Transaction, store_id: int, column: Column[str], events: Iterable[E]) -> list[E]:
    """Return the events whose ids the store does not have; of two with one id the first."""
    events_by_id: dict[str, E] = {}
    for event in events:
        events_by_id.setdefault(event.id, event)
    if not events_by_id:
        return []
    stored = await tx.execute(select(column).where(column.table.c.store_id == store_id, column.in_(list(events_by_id))))
    stored_ids = set(stored.scalars())
    return [event for event_id, event in events_by_id.items() if event_id not in stored_ids]


async def _customer_ids(
    tx: Transaction, store_id: int, keys: Mapping[int, CustomerKey], first_number: int, now: datetime
) -> CustomerIds:
    """Return the customers of the events, by the events' indexes; unknown ones are added.

    Raise DomainErrors when customers are unknown by their ids.
    """
    customer_ids: CustomerIds = {}
    asked_ids = {key.id for key in keys.values() if key.id is not None}
    if asked_ids:
        is_asked_for = (customers.c.store_id == store_id, customers.c.id.in_(asked_ids), IS_SOMEBODY)
        rows = await tx.execute(select(customers.c.id).where(*is_asked_for))
        customer_ids |= {CustomerKey(id=known_id): known_id for known_id in rows.scalars()}
    named = [key for key in dict.fromkeys(keys.values()) if key.id is None]
    known_ids = await identity.find(tx, store_id, [Identifiers(key.external_id, key.email, key.phone) for key in named])
    customer_ids |= {key: known for key, known in zip(named, known_ids, strict=True) if known is not None}
    unknown_ids = [index for index, key in keys.items() if key.id is not None and key not in customer_ids]
    if unknown_ids:
        raise DomainErrors(
            NotFound("There is no such customer", field=("events", index, "customer", "id")) for index in unknown_ids
        )
    unknown_keys = dict.fromkeys(key for key in keys.values() if key not in customer_ids)
    added = {key: first_number + index for index, key in enumerate(unknown_keys)}
    new_rows = [
        writes.new_row(store_id, number, now)
        | {"external_id": key.external_id, "email": key.email, "phone": key.phone, "source": "event"}
        for key, number in added.items()
    ]
    await writes.add(tx, new_rows)
    return customer_ids | added


async def _store(  # noqa: PLR0913, PLR0917 - what a batch of events is
    tx: Transaction,
    store_id: int,
    new_orders: Sequence[Order],
    new_events: Sequence[CustomEvent],
    customer_ids: CustomerIds,
    rules: SaleRules,
    now: datetime,
) -> None:
    if len(new_orders) + len(new_events) > _MANY:
        await ensure_statistics(tx, customers, customer_facts, orders, order_items, event_rows, event_counters, lots)
    log_events = [
        Event(event.id, customer_ids[event.customer], event.type, event.occurred_at, event.subject, event.attributes)
        for event in new_events
    ]
    await log.append(tx, store_id, log_events, now)
    changed = set(await projections.apply_events(tx, store_id, log_events, rules, now))
    placed_orders = [PlacedOrder(order, customer_ids[order.customer]) for order in new_orders]
    await order_writes.add(tx, store_id, placed_orders, rules, now)
    # Changes to an order may have come in before it.
    await order_changes.apply_changes(tx, store_id, [order.id for order in new_orders], rules)
    changed |= {placed.customer_id for placed in placed_orders}
    await facts.recount_ids(tx, store_id, changed)
    await changes.record_change(tx, store_id, ChangeKind.ORDERS, changed)
    due_times = [
        (placed.customer_id, placed.order.placed_at) for placed in placed_orders if placed.order.placed_at > now
    ]
    await changes.record_future_change(tx, store_id, ChangeKind.ORDERS, due_times)
