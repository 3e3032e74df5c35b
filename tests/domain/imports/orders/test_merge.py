from datetime import UTC, datetime

from sqlalchemy import func, select

from domain.customers import queries
from domain.customers.key import CustomerKey
from domain.customers.model import CustomerChange
from domain.customers.upsert import upsert_many
from domain.imports.model import ImportKind
from domain.ingestion import track
from domain.ingestion.model import TrackedEvent
from domain.kit.db import Database
from domain.operations.model import Problem
from domain.orders import facts
from domain.orders.tables import order_customers, order_item_facets, order_items, orders
from tests.domain.imports.files import bring_in, problems_of
from tests.factories import NOW

HEADER = "order_id,customer_external_id,placed_at,status,total,product,quantity,price\n"


async def import_orders(database: Database, store_id: int, rows: str) -> list[Problem]:
    done = await bring_in(database, store_id, ImportKind.ORDERS, (HEADER + rows).encode())
    assert done.status == "DONE"
    return await problems_of(database, done)


async def stored_facts(database: Database, store_id: int) -> dict[str, tuple[int, float]]:
    async with database.read() as tx:
        assert await facts.mismatches(tx, store_id) == []
        facts_by_customer: dict[str, tuple[int, float]] = {}
        for key in ("a", "b"):
            customer = await queries.by_external_id(tx, store_id, key)
            assert customer is not None
            customer_facts = (await queries.facts_of(tx, store_id, [customer.id]))[customer.id]
            facts_by_customer[key] = customer_facts.order_count, float(customer_facts.total_spent)
        return facts_by_customer


async def make_customers(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await upsert_many(tx, store_id, [CustomerChange(external_id=key) for key in ("a", "b")], NOW)


async def test_rows_of_an_order_may_lie_apart(database: Database, store_id: int) -> None:
    await make_customers(database, store_id)
    rows = (
        "o1,a,2026-01-02T00:00:00Z,,,p1,2,3.50\n"
        "o2,b,2026-01-03T00:00:00Z,paid,99.99,p1,,\n"
        "o1,a,2026-01-02T00:00:00Z,,,p2,1,0.01\n"
        "o3,b,2026-01-04T00:00:00+08:00,Cancelled,5,,,\n"
    )
    assert await import_orders(database, store_id, rows) == []
    assert await stored_facts(database, store_id) == {"a": (1, 7.01), "b": (1, 99.99)}
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(order_items)) == 3
        placed = await tx.scalar(select(orders.c.placed_at).where(orders.c.id == "o3"))
    assert placed == datetime(2026, 1, 3, 16, tzinfo=UTC)


async def test_an_order_that_comes_again_is_replaced(database: Database, store_id: int) -> None:
    await make_customers(database, store_id)
    assert (
        await import_orders(
            database, store_id, "o1,a,2026-01-02T00:00:00Z,,10,p1,1,10\no2,a,2026-01-02T00:00:00Z,,1,,,\n"
        )
        == []
    )
    assert await stored_facts(database, store_id) == {"a": (2, 11), "b": (0, 0)}
    assert await import_orders(database, store_id, "o1,b,2026-01-05T00:00:00Z,,4,p9,1,4\n") == []
    assert await stored_facts(database, store_id) == {"a": (1, 1), "b": (1, 4)}
    assert await import_orders(database, store_id, "o2,a,2026-01-02T00:00:00Z,cancelled,1,,,\n") == []
    assert await stored_facts(database, store_id) == {"a": (0, 0), "b": (1, 4)}
    async with database.read() as tx:
        assert (await tx.execute(select(order_items.c.product))).scalars().all() == ["p9"]


async def test_an_order_that_moves_to_another_customer_keeps_what_the_file_does_not_say(
    database: Database, store_id: int
) -> None:
    await make_customers(database, store_id)
    items = [{"product": "p1", "price": 3, "tags": ["new"]}]
    order = TrackedEvent(
        "o1", "order", CustomerKey(external_id="a"), NOW, {"items": items, "payment_status": "paid", "coupon": "MAY"}
    )
    async with database.write() as tx:
        await track.track(tx, store_id, [order], NOW)
    assert await import_orders(database, store_id, "o1,b,2026-01-02T00:00:00Z,,9,p2,1,9\n") == []
    assert await stored_facts(database, store_id) == {"a": (0, 0), "b": (1, 9)}
    refund = TrackedEvent("r1", "order.refunded", CustomerKey(external_id="a"), NOW, {"order": "o1", "amount": 4})
    async with database.write() as tx:
        b = await queries.by_external_id(tx, store_id, "b")
        assert b is not None
        columns = (orders.c.customer_id, orders.c.payment_status, orders.c.coupon, orders.c.source)
        assert (await tx.execute(select(*columns))).all() == [(b.id, "paid", "MAY", "import")]
        items_now = select(order_items.c.customer_id, order_items.c.product)
        assert (await tx.execute(items_now)).all() == [(b.id, "p2")]
        assert await tx.scalar(select(func.count()).select_from(order_item_facets)) == 0
        assert (await tx.execute(select(order_customers.c.order_id, order_customers.c.customer_id))).all() == [
            ("o1", b.id)
        ]
        # A repeat, whoever it is said to be of.
        assert (await track.track(tx, store_id, [order, refund], NOW)).duplicates == 1
    assert await stored_facts(database, store_id) == {"a": (0, 0), "b": (1, 5)}


async def test_an_order_of_an_unknown_customer_is_reported(database: Database, store_id: int) -> None:
    await make_customers(database, store_id)
    rows = "o1,nobody,2026-01-02T00:00:00Z,,1,,,\no2,a,2026-01-02T00:00:00Z,,1,,,\no3,a,yesterday,,x,,,\n"
    problems = await import_orders(database, store_id, rows)
    assert sorted((problem.row or 0) for problem in problems) == [2, 4, 4, 4]
    assert any("import the customers first" in problem.message for problem in problems)
    assert await stored_facts(database, store_id) == {"a": (1, 1), "b": (0, 0)}


async def test_an_order_with_two_customers_is_its_last_rows(database: Database, store_id: int) -> None:
    await make_customers(database, store_id)
    rows = "o1,a,2026-01-02T00:00:00Z,,1,p,1,1\no1,b,2026-01-02T00:00:00Z,,1,p,1,1\n"
    assert await import_orders(database, store_id, rows) == []
    assert await stored_facts(database, store_id) == {"a": (0, 0), "b": (1, 1)}
