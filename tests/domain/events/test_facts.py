"""Facts are what a plain count of the orders gives, whatever came in which order."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from domain.customers.tables import customer_facts
from domain.db import Database
from domain.events import actions, facts
from domain.events.model import CustomerKey, TrackedEvent
from domain.events.tables import order_items, orders
from tests.factories import NOW, add_store

START = datetime(2026, 1, 1, tzinfo=UTC)
PLACES = {"order_2_at": 2, "order_3_at": 3, "order_4_at": 4, "order_5_at": 5, "order_10_at": 10}

order = st.builds(
    lambda number, customer, day, cents, status: TrackedEvent(
        f"o{number}",
        "order",
        CustomerKey(external_id=f"c{customer}"),
        START + timedelta(days=day),
        {"total": cents / 100, "status": status, "items": [{"product": "p", "price": 1, "quantity": 2}]},
    ),
    st.integers(0, 60),
    st.integers(0, 3),
    st.integers(-400, 400),
    st.integers(0, 10_000_000),
    st.sampled_from(["completed", "paid", "cancelled", "Canceled", "deleted", "voided", ""]),
)
batches = st.lists(st.lists(order, max_size=20), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=batches)
def test_facts_are_a_plain_count_after_any_history(database_url: str, history: list[list[TrackedEvent]]) -> None:
    asyncio.run(_check(database_url, history))


async def _check(url: str, history: Sequence[Sequence[TrackedEvent]]) -> None:
    database = Database(url)
    try:
        await _replay(database, history)
    finally:
        await database.close()


async def _replay(database: Database, history: Sequence[Sequence[TrackedEvent]]) -> None:
    async with database.write() as tx:
        store_id = await add_store(tx)
    first: dict[str, TrackedEvent] = {}
    for batch in history:
        async with database.write() as tx:
            done = await actions.track(tx, store_id, batch, NOW)
        fresh = {event.id: event for event in reversed(batch) if event.id not in first}
        assert (done.accepted, done.duplicates) == (len(fresh), len(batch) - len(fresh))
        first |= fresh
    async with database.read() as tx:
        kept = {row.customer_id: row for row in await tx.execute(_FACTS.where(store_id == _FACTS_STORE))}
        ids = await actions._look_up(tx, store_id, list({event.customer for event in first.values()}))
        assert await facts.misses(tx, store_id) == []
    for key, customer_id in ids.items():
        own = [event for event in first.values() if event.customer == key and _counts(event)]
        _compare(kept[customer_id], own)
    assert len(kept) == len(ids)


_FACTS = select(customer_facts)
_FACTS_STORE = customer_facts.c.store_id


def _counts(event: TrackedEvent) -> bool:
    assert isinstance(event.attributes, dict)
    return event.attributes["status"].lower() not in {"cancelled", "canceled", "deleted", "voided"}


def _compare(kept: object, own: list[TrackedEvent]) -> None:
    moments = sorted((event.occurred_at for event in own), reverse=True)
    assert kept.order_count == len(own)  # type: ignore[attr-defined] # a row
    total = sum((Decimal(str(event.attributes["total"])) for event in own), Decimal(0))  # type: ignore[index]
    assert kept.total_spent == total  # type: ignore[attr-defined]
    assert kept.first_order_at == (moments[-1] if moments else None)  # type: ignore[attr-defined]
    assert kept.last_order_at == (moments[0] if moments else None)  # type: ignore[attr-defined]
    for name, place in PLACES.items():
        assert getattr(kept, name) == (moments[place - 1] if len(moments) >= place else None)


async def test_an_order_that_is_cancelled_or_gone_no_longer_counts(database: Database, store_id: int) -> None:
    events = [
        TrackedEvent(f"o{at}", "order", CustomerKey(email="a@shop.example"), START + timedelta(at), {"total": 10})
        for at in range(3)
    ]
    async with database.write() as tx:
        await actions.track(tx, store_id, events, NOW)
        await tx.execute(update(orders).where(orders.c.id == "o2").values(counted=False))
        await tx.execute(delete(orders).where(orders.c.id == "o0"))
        await tx.execute(delete(order_items))
        (missed,) = await facts.misses(tx, store_id)
        await facts.recount_ids(tx, store_id, [missed])
        kept = (await tx.execute(_FACTS)).one()
        assert await facts.misses(tx, store_id) == []
    assert (kept.order_count, kept.total_spent, kept.last_order_at) == (1, 10, START + timedelta(1))
