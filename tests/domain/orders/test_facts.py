"""Facts are what a plain count of the orders gives, whatever came in which order."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from domain.customers.key import CustomerKey
from domain.customers.tables import customer_facts, customers
from domain.ingestion import track
from domain.ingestion.model import TrackedEvent
from domain.kit.db import AnyRow, Database
from domain.orders import facts
from domain.orders.tables import order_items, orders
from tests.factories import NOW, add_store
from tests.properties import examples

START = datetime(2026, 1, 1, tzinfo=UTC)
NTH_LAST = {"order_2_at": 2, "order_3_at": 3, "order_4_at": 4, "order_5_at": 5, "order_10_at": 10}


def _order(number: int, customer: int, day: int, cents: int, status: str) -> TrackedEvent:
    items = [{"product": "p", "price": 1, "quantity": 2}]
    attributes = {"total": cents / 100, "status": status, "items": items}
    moment = START + timedelta(days=day)
    return TrackedEvent(f"o{number}", "order", CustomerKey(external_id=f"c{customer}"), moment, attributes)


order = st.builds(
    _order,
    st.integers(0, 60),
    st.integers(0, 3),
    st.integers(-400, 400),
    st.integers(0, 10_000_000),
    st.sampled_from(["completed", "paid", "cancelled", "Canceled", "deleted", "voided", ""]),
)
batches = st.lists(st.lists(order, max_size=20), max_size=6)


@examples(25)
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
            done = await track.track(tx, store_id, batch, NOW)
        fresh = {event.id: event for event in reversed(batch) if event.id not in first}
        assert (done.accepted, done.duplicates) == (len(fresh), len(batch) - len(fresh))
        first |= fresh
    async with database.read() as tx:
        same = (customer_facts.c.store_id == customers.c.store_id) & (customer_facts.c.customer_id == customers.c.id)
        named = select(customers.c.external_id, customer_facts).join(customer_facts, same)
        stored = {row.external_id: row for row in await tx.execute(named.where(customer_facts.c.store_id == store_id))}
        assert await facts.mismatches(tx, store_id) == []
    assert set(stored) == {event.customer.external_id for event in first.values()}
    for key, row in stored.items():
        _compare(row, [event for event in first.values() if event.customer.external_id == key and _counts(event)])


def _attributes(event: TrackedEvent) -> dict[str, Any]:
    return cast("dict[str, Any]", event.attributes)


def _counts(event: TrackedEvent) -> bool:
    return _attributes(event)["status"].lower() not in {"cancelled", "canceled", "deleted", "voided"}


def _compare(stored: AnyRow, counted: list[TrackedEvent]) -> None:
    moments = sorted((event.occurred_at for event in counted), reverse=True)
    total = sum((Decimal(str(_attributes(event)["total"])) for event in counted), Decimal(0))
    assert (stored.order_count, stored.total_spent) == (len(counted), total)
    assert stored.first_order_at == (moments[-1] if moments else None)
    assert stored.last_order_at == (moments[0] if moments else None)
    for name, nth in NTH_LAST.items():
        assert getattr(stored, name) == (moments[nth - 1] if len(moments) >= nth else None)


async def test_an_order_that_is_cancelled_or_gone_no_longer_counts(database: Database, store_id: int) -> None:
    events = [
        TrackedEvent(
            f"o{number}", "order", CustomerKey(email="a@shop.example"), START + timedelta(number), {"total": 10}
        )
        for number in range(3)
    ]
    async with database.write() as tx:
        await track.track(tx, store_id, events, NOW)
        await tx.execute(update(orders).where(orders.c.id == "o2").values(counted=False))
        await tx.execute(delete(orders).where(orders.c.id == "o0"))
        await tx.execute(delete(order_items))
        (mismatched,) = await facts.mismatches(tx, store_id)
        await facts.recount_ids(tx, store_id, [mismatched])
        fact = (await tx.execute(select(customer_facts))).one()
        assert await facts.mismatches(tx, store_id) == []
    assert (fact.order_count, fact.total_spent, fact.last_order_at) == (1, 10, START + timedelta(1))
