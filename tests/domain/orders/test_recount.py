"""Orders are counted anew when the rules change, in short steps, and whatever comes in meanwhile is right."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from domain import jobs
from domain.changes.tables import customer_changes
from domain.customers.key import CustomerKey
from domain.ingestion import order_recount, track
from domain.ingestion.model import TrackedEvent
from domain.jobs import Job, LeaseLost
from domain.kit.db import Database
from domain.operations import queries as operations
from domain.operations.model import Operation
from domain.orders import facts, favourites, recount, statuses
from domain.orders.meanings import StatusMeaning
from domain.orders.tables import order_items, orders
from tests.factories import NOW
from tests.fakes import make_services

CUSTOMERS = 7


def order(order_id: str, customer: int, status: str) -> TrackedEvent:
    items = [{"product": f"p{customer}", "price": 2, "quantity": 1}, {"product": "back", "price": 1, "quantity": -1}]
    attributes = {"status": status, "items": items}
    return TrackedEvent(order_id, "order", CustomerKey(external_id=f"c{customer}"), NOW - timedelta(1), attributes)


async def tracked(database: Database, store_id: int, events: list[TrackedEvent]) -> None:
    async with database.write() as tx:
        await track.track(tx, store_id, events, NOW)


async def classified(database: Database, store_id: int, status: str, meaning: StatusMeaning) -> tuple[Operation, Job]:
    async with database.write() as tx:
        assert await statuses.classify(tx, store_id, {status: meaning})
        operation = await order_recount.request(tx, store_id, NOW)
        [notice] = await jobs.due(tx, 1)
        job = await jobs.claim(tx, store_id, notice.job_id, "worker")
    assert job is not None
    return operation, job


async def check(database: Database, store_id: int, sales: int) -> None:
    async with database.read() as tx:
        counted = list((await tx.execute(select(orders.c.id).where(orders.c.counted))).scalars())
        assert len(counted) == sales
        assert set((await tx.execute(select(order_items.c.product).where(order_items.c.counted))).scalars()) <= {
            f"p{number}" for number in range(CUSTOMERS)
        }
        assert await facts.mismatches(tx, store_id) == []
        assert (await tx.execute(favourites.mismatched(store_id))).all() == []


async def test_a_worker_goes_on_where_another_stopped(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recount, "ORDERS_AT_ONCE", 2)
    await tracked(database, store_id, [order(f"o{number}", number, "op de markt") for number in range(CUSTOMERS)])
    await check(database, store_id, 0)
    operation, job = await classified(database, store_id, "op de markt", StatusMeaning.SALE)
    services = make_services(database)
    async with database.write() as tx:
        # Another worker has the job after the first ranges.
        customers = await recount.next_range(tx, store_id, 0)
        assert customers is not None
        await recount.recount(tx, customers, NOW)
        assert await operations.progress(tx, store_id, operation.id, customers.until, CUSTOMERS)
        assert customers.until < CUSTOMERS
        marked = select(customer_changes.c.first_id).where(customer_changes.c.kinds == 8)
        assert list((await tx.execute(marked)).scalars())
        # What is behind is not looked at again.
        done = orders.c.customer_id <= customers.until
        await tx.execute(update(orders).where(done).values(coupon="behind"))
    await order_recount.run(services, job)
    await check(database, store_id, CUSTOMERS)
    async with database.read() as tx:
        finished = await operations.by_id(tx, store_id, operation.id)
    assert finished is not None
    assert (finished.status, finished.done, finished.total) == ("DONE", CUSTOMERS, CUSTOMERS)
    with pytest.raises(LeaseLost):
        await order_recount.run(services, job)


async def test_orders_that_come_in_meanwhile_are_right(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recount, "ORDERS_AT_ONCE", 2)
    await tracked(database, store_id, [order(f"o{number}", number, "op de markt") for number in range(CUSTOMERS)])
    _, job = await classified(database, store_id, "op de markt", StatusMeaning.SALE)
    # Of one whose orders are counted anew, and of one who is new.
    await tracked(database, store_id, [order("n1", 0, "op de markt"), order("n2", 6, "op de markt")])
    await check(database, store_id, 2)
    await order_recount.run(make_services(database), job)
    await check(database, store_id, CUSTOMERS + 2)


async def test_whoever_changes_the_rules_waits_for_orders_that_are_being_written(
    database: Database, store_id: int
) -> None:
    """On PostgreSQL, where two may write at a time: an order by the rules before is committed before they change."""
    if database.dialect != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    await tracked(database, store_id, [order("o1", 0, "op de markt")])
    async with database.write() as writer:
        await track.track(writer, store_id, [order("o2", 1, "op de markt")], NOW)

        async def classify_soon() -> None:
            async with database.write() as tx:
                await tx.execute(text("SET LOCAL lock_timeout = '200ms'"))
                await statuses.classify(tx, store_id, {"op de markt": StatusMeaning.SALE})

        with pytest.raises(DBAPIError, match="lock timeout"):
            await classify_soon()
