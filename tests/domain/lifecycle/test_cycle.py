"""The days between purchases."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from domain.kit.clock import day_of
from domain.kit.db import Database
from domain.lifecycle import cycle
from domain.orders.tables import orders
from tests.domain.lifecycle.stored_orders import Orders, orders_days_ago, store_orders
from tests.factories import NOW, add_store
from tests.properties import examples

ZONES = ("UTC", "Asia/Taipei", "America/New_York", "Australia/Lord_Howe")


def after(start: int, *gaps: int) -> Orders:
    """Purchases with so many days between them, the first of them long ago."""
    days = [start]
    for gap in gaps:
        days.append(days[-1] - gap)
    return orders_days_ago(*days)


async def measured(
    database: Database, store_id: int, bought: Mapping[int, Orders], timezone: str = "UTC"
) -> float | None:
    async with database.write() as tx:
        await store_orders(tx, store_id, bought)
    async with database.read() as tx:
        return await cycle.measure(tx, store_id, timezone, NOW)


async def test_the_cycle_is_the_median_of_shoppers_medians(database: Database, store_id: int) -> None:
    """Vector 19: 3 (1, 3, 5), 14 (10, 14, 5, 18, 17) and 8 (6, 10) make 8; who bought once has none."""
    shoppers = {1: after(300, 1, 3, 5), 2: after(300, 10, 14, 5, 18, 17), 3: after(300, 6, 10), 4: orders_days_ago(400)}
    assert await measured(database, store_id, shoppers) == 8
    assert await measured(database, store_id, {**shoppers, 5: after(300, 9)}) == 8.5


async def test_orders_of_one_day_are_one_purchase(database: Database, store_id: int) -> None:
    """Vector 19; the day is the store's."""
    noon = datetime(2026, 1, 10, 12, tzinfo=UTC)
    moments = [noon - timedelta(days=20), noon, noon + timedelta(hours=1), noon + timedelta(hours=6)]
    shoppers = {1: [(moment, Decimal(1)) for moment in moments], 2: orders_days_ago(400)}
    assert await measured(database, store_id, shoppers) == 20
    # In Taipei, the last of them is of the next day: gaps of 20 and 1.
    assert await measured(database, store_id, shoppers, "Asia/Taipei") == 10.5
    assert await measured(database, store_id, {1: [(noon, Decimal(1))] * 3, 2: orders_days_ago(400)}) is None


async def test_some_stores_orders_do_not_tell(database: Database, store_id: int) -> None:
    """Younger than half a year, nobody who came back, nothing within two years."""
    assert await measured(database, store_id, {}) is None
    assert await measured(database, store_id, {1: orders_days_ago(180, 170)}) == 10
    assert await measured(database, store_id, {1: orders_days_ago(179.9, 170)}) is None
    assert await measured(database, store_id, {1: orders_days_ago(200), 2: orders_days_ago(300)}) is None
    assert await measured(database, store_id, {1: orders_days_ago(800, 790)}) is None
    assert await measured(database, store_id, {1: orders_days_ago(800, 700, 695)}) == 5
    async with database.write() as tx:
        await store_orders(tx, store_id, {1: orders_days_ago(300, 290), 2: orders_days_ago(300, 200)})
        await tx.execute(update(orders).where(orders.c.id == "2-1").values(counted=False))
    async with database.read() as tx:
        assert await cycle.measure(tx, store_id, "UTC", NOW) == 10


histories = st.dictionaries(
    st.integers(1, 6), st.lists(st.integers(0, 24 * 900), min_size=1, max_size=7), min_size=1, max_size=6
)


@examples(25)
@given(hours=histories, timezone=st.sampled_from(ZONES))
def test_any_history_gives_what_plain_python_gives(
    database_url: str, hours: dict[int, list[int]], timezone: str
) -> None:
    asyncio.run(_check(database_url, hours, timezone))


async def _check(url: str, hours: dict[int, list[int]], timezone: str) -> None:
    bought = {each: [(NOW - timedelta(hours=ago), Decimal(1)) for ago in all_] for each, all_ in hours.items()}
    database = Database(url)
    try:
        async with database.write() as tx:
            store_id = await add_store(tx)
        assert await measured(database, store_id, bought, timezone) == expected(bought, timezone)
    finally:
        await database.close()


def expected(bought: Mapping[int, Orders], timezone: str) -> float | None:
    if min(moment for each in bought.values() for moment, _ in each) > NOW - timedelta(days=180):
        return None
    since = NOW - timedelta(days=730)
    medians: Sequence[float] = [
        median(gaps)
        for each in bought.values()
        if (gaps := [(b - a).days for a, b in pairwise(sorted({day_of(m, timezone) for m, _ in each if m > since}))])
    ]
    return median(medians) if medians else None
