"""Filling lists from filters, the largest among them, beside a bare INSERT ... SELECT of the same ids."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import bindparam, text

from domain import ids
from domain.db import Transaction
from domain.db.types import Id
from domain.lists import store
from domain.segments.deadline import plan_for_sets
from domain.segments.finding import found_by
from tests.benchmarks.segments.filters import FILTERS
from tests.benchmarks.segments.measuring import Times, processor, table
from tests.benchmarks.segments.numbers import NOW
from tests.benchmarks.segments.shop import CUSTOMERS, Shop, opened
from tests.benchmarks.segments.test_filters import ROUNDS, read

pytestmark = pytest.mark.benchmark
QUERIES = {
    **{asked.name: asked.query for asked in FILTERS if asked.key in {"S2", "S4", "S7", "S12", "S13"}},
    "everyone but the blacklisted": "everyone",
}


@pytest.fixture(params=["postgresql", "sqlite"])
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened(request.param, tmp_path) as it:
        yield it


async def test_lists_made(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[list[object]] = []
    with capsys.disabled():
        for name, query in QUERIES.items():
            count, made, bare, work, bare_work = await beside(shop, query)
            rate = f"{count / made.p50 * 1000:,.0f}"
            rows.append(
                [name, count, rate, bare.p50 / made.p50, f"{count / work.p50 * 1000:,.0f}", bare_work.p50 / work.p50]
            )
        header = (
            f"lists of {CUSTOMERS:,} customers, {shop.database.dialect}", "members", "members/s", "of bare",
            "members/s of CPU", "of bare (to reach: 0.85)",
        )  # fmt: skip
        print(f"\n{table(header, rows)}\n", flush=True)


async def beside(shop: Shop, query: str) -> tuple[int, Times, Times, Times, Times]:
    """Members, and milliseconds: of the list made and of the bare insert, in all and of processor time."""
    made, bare, work, bare_work = Times(), Times(), Times(), Times()
    count = 0
    for _ in range(ROUNDS):
        list_id, other_id = ids.new(), ids.new()
        async with shop.database.write() as tx:
            clock = await processor(tx)
            began = clock()
            count = await made.add(partial(fill, tx, shop, query, list_id))
            work.each.append(clock() - began)
        await keep_ids(shop, list_id)
        async with shop.database.write() as tx:
            clock = await processor(tx)
            began = clock()
            assert await bare.add(partial(insert_bare, tx, other_id)) == count
            bare_work.each.append(clock() - began)
            await tx.execute(
                text("DELETE FROM list_members WHERE list_id IN (:a, :b)").bindparams(
                    bindparam("a", list_id, type_=Id()), bindparam("b", other_id, type_=Id())
                )
            )
        async with shop.database.read() as tx:
            await tx.execute(text("VACUUM list_members" if tx.dialect == "postgresql" else "SELECT 1"))
    return count, made, bare, work, bare_work


async def fill(tx: Transaction, shop: Shop, query: str, list_id: UUID) -> int:
    await plan_for_sets(tx)
    definition = await read(tx, shop, query)
    found = await found_by(tx, shop.store.id, definition, shop.store.timezone, NOW)
    return await store.fill(tx, shop.store.id, list_id, found)


async def keep_ids(shop: Shop, list_id: UUID) -> None:
    async with shop.database.write() as tx:
        await tx.execute(text("DROP TABLE IF EXISTS bare_ids"))
        await tx.execute(text("CREATE TABLE bare_ids (customer_id BIGINT NOT NULL)"))
        same = text("INSERT INTO bare_ids SELECT customer_id FROM list_members WHERE list_id = :list")
        await tx.execute(same.bindparams(bindparam("list", list_id, type_=Id())))
        await tx.execute(text("ANALYZE bare_ids"))


async def insert_bare(tx: Transaction, list_id: UUID) -> int:
    same = text("INSERT INTO list_members (store_id, list_id, customer_id) SELECT 1, :list, customer_id FROM bare_ids")
    inserted: int = (await tx.execute(same.bindparams(bindparam("list", list_id, type_=Id())))).rowcount
    return inserted
