"""What facts and tallies cost when orders and events come in, beside bare inserts of the same rows."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import Table, insert, select, text

from domain.customers.key import CustomerKey
from domain.events.tables import events
from domain.ingestion import track as actions
from domain.ingestion.model import TrackedEvent
from domain.kit.db import Database, Transaction
from domain.orders.tables import order_items, orders
from tests.benchmarks.segments.measuring import Times, processor
from tests.benchmarks.segments.numbers import NOW, Numbers
from tests.benchmarks.segments.world import rows

pytestmark = pytest.mark.benchmark
CUSTOMERS = 50_000
BATCH = 5_000
BATCHES = 6
BARE_STORE = 999


async def test_what_counting_costs(database: Database, store_id: int, capsys: pytest.CaptureFixture[str]) -> None:
    await stage(database, store_id)
    with capsys.disabled():
        for name, make, tables in (
            ("orders", an_order, [orders, order_items]),
            ("events", an_event, [events]),
        ):
            tracked, bare, work, bare_work = await beside(database, store_id, make, tables)
            rates = [f"{BATCH / times.p50 * 1000:,.0f}" for times in (tracked, bare, work, bare_work)]
            print(
                f"\n{name} in batches of {BATCH:,}, {database.dialect}: {rates[0]}/s with all that follows from them, "
                f"{rates[1]}/s bare; {rates[2]} and {rates[3]} per second of the server's CPU, "
                f"ratio {work.p50 / bare_work.p50:.2f}",
                flush=True,
            )


async def stage(database: Database, store_id: int) -> None:
    made = next(iter(rows(CUSTOMERS, Numbers(database.dialect))))
    async with database.write() as tx:
        await tx.connection.exec_driver_sql(made.statement(store_id))
        await tx.execute(text(f"INSERT INTO customer_numbers (store_id, last) VALUES ({store_id}, {CUSTOMERS})"))
        bare = "INSERT INTO customer_facts (store_id, customer_id, order_count, total_spent)"
        await tx.execute(text(f"{bare} SELECT store_id, id, 0, 0 FROM customers"))
    async with database.read() as tx:
        await tx.execute(text("ANALYZE"))


def an_order(number: int, chance: Random) -> TrackedEvent:
    items = [
        {"product": f"p{chance.randrange(5000)}", "category": f"c{chance.randrange(20)}", "quantity": 1, "price": "9.5"}
        for _ in range(chance.choice([1, 2, 2, 3, 4]))
    ]
    at = NOW - timedelta(seconds=chance.randrange(90 * 86_400))
    told = {"status": "completed", "total": "19.5", "items": items}
    return TrackedEvent(f"o{number}", "order", CustomerKey(id=chance.randrange(1, CUSTOMERS)), at, told)


def an_event(number: int, chance: Random) -> TrackedEvent:
    at = NOW - timedelta(seconds=chance.randrange(90 * 86_400))
    told = {"product": f"p{chance.randrange(5000)}"}
    return TrackedEvent(f"v{number}", "visit", CustomerKey(id=chance.randrange(1, CUSTOMERS)), at, told)


async def beside(
    database: Database, store_id: int, make: Callable[[int, Random], TrackedEvent], tables: Sequence[Table]
) -> tuple[Times, Times, Times, Times]:
    """Milliseconds a batch: tracked and bare, in all and of the server's processor time."""
    tracked, bare, work, bare_work = Times(), Times(), Times(), Times()
    chance = Random(11)
    for batch in range(BATCHES):
        given = [make(batch * BATCH + number, chance) for number in range(BATCH)]

        async def track(tx: Transaction, some: Sequence[TrackedEvent] = given) -> int:
            return (await actions.track(tx, store_id, some, NOW)).accepted

        await timed(database, track, tracked, work)
        same = await as_rows(database, store_id, [event.id for event in given], tables)

        async def insert_bare(tx: Transaction, some: Sequence[tuple[Table, list[dict[str, object]]]] = same) -> int:
            for table, them in some:
                await tx.execute(insert(table), them)
            return 0

        await timed(database, insert_bare, bare, bare_work)
    return tracked, bare, work, bare_work


async def timed(database: Database, work: Callable[[Transaction], Awaitable[int]], times: Times, cpu: Times) -> None:
    async with database.write() as tx:
        clock = await processor(tx)
        began = clock()
        await times.add(lambda: work(tx))
        cpu.each.append(clock() - began)


async def as_rows(
    database: Database, store_id: int, wanted: Sequence[str], tables: Sequence[Table]
) -> list[tuple[Table, list[dict[str, object]]]]:
    """The rows that it made, for a store of their own."""
    found: list[tuple[Table, list[dict[str, object]]]] = []
    async with database.read() as tx:
        for table in tables:
            key = table.c.order_id if table is order_items else table.c.id
            made = await tx.execute(select(table).where(table.c.store_id == store_id, key.in_(wanted)))
            found.append((table, [{**row, "store_id": BARE_STORE} for row in made.mappings()]))
    return found
