"""Members a second of lists that filters make, beside a bare INSERT ... SELECT of the same ids."""

import os
from statistics import median
from time import perf_counter
from uuid import UUID

import pytest
from sqlalchemy import bindparam, text

from domain import jobs
from domain.extensions import NO_EXTENSIONS
from domain.kit import ids
from domain.kit.db import Database, Transaction
from domain.kit.db.types import Id, Instant
from domain.lists import actions
from domain.lists import build as list_build
from domain.segments.evaluation.resolve import catalogue
from domain.segments.model import SegmentInput
from domain.segments.validation import FilterContext
from domain.stores.model import Limits, Store
from tests.factories import NOW
from tests.fakes import make_services

pytestmark = [pytest.mark.benchmark]
MEMBERS = int(os.environ.get("BENCH_MEMBERS", "300000"))
CUSTOMERS = MEMBERS * 10 // 3
ROUNDS = 3
# Each finds three in ten.
QUERIES = {
    "total spent": "total_spent >= 70",
    "orders in 90 days": "order.count(last 89 days) >= 3",
    "profile": 'member = true AND country = "TW"',
    "tag, not another": 'tag = "a" AND NOT tag = "b"',
}
NUMBERS = f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {CUSTOMERS})"
EARLIER = {
    "postgresql": "CAST(:now AS timestamptz) - (i % 300) * interval '1 day'",
    "sqlite": ":now - (i % 300) * 86400000000",
}


@pytest.mark.parametrize("name", QUERIES)
async def test_members_a_second(
    database: Database, store_id: int, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await stage(database, store_id)
    made: list[float] = []
    bare: list[float] = []
    for number in range(ROUNDS):
        list_id, seconds = await build(database, store_id, f"{name} {number}", QUERIES[name])
        made.append(seconds)
        bare.append(await insert_bare(database, store_id, list_id))
    rate, plain = MEMBERS / median(made), MEMBERS / median(bare)
    with capsys.disabled():
        print(
            f"\nlist by {name}, {database.dialect}: {MEMBERS:,} of {CUSTOMERS:,}, {rate:,.0f} members/s; "
            f"{rate / plain:.2f} of a bare INSERT ... SELECT of the same ids ({plain:,.0f}/s)"
        )


async def stage(database: Database, store_id: int) -> None:
    earlier = EARLIER[database.dialect]
    tables = {
        "customers (store_id, id, email_verified, phone_verified, member, country, "
        "blacklisted, created_at, updated_at)": (
            "i, false, false, i % 2 = 0, CASE WHEN i % 5 < 3 THEN 'TW' ELSE 'JP' END, i % 1000 = 999, :now, :now"
        ),
        "customer_facts (store_id, customer_id, order_count, total_spent, last_order_at, order_3_at)": (
            f"i, i % 7, (i % 100) * 10000, {earlier}, {earlier}"
        ),
        "customer_tags (store_id, customer_id, tag)": "i, 'a'",
    }
    wheres = {"customer_tags (store_id, customer_id, tag)": "WHERE i % 10 < 5"}
    async with database.write() as tx:
        for table, values in tables.items():
            rows = f"{NUMBERS} SELECT :store, {values} FROM n {wheres.get(table, '')}"
            await run(tx, f"INSERT INTO {table} {rows}", store_id)
        other = f"{NUMBERS} SELECT :store, i, 'b' FROM n WHERE i / 10 % 10 < 4"
        await run(tx, f"INSERT INTO customer_tags (store_id, customer_id, tag) {other}", store_id)
        await tx.execute(text("UPDATE customers SET blacklisted = false"))
        await tx.execute(text("CREATE TABLE IF NOT EXISTS bare_ids (customer_id BIGINT NOT NULL)"))
    async with database.read() as tx:
        await tx.execute(text("ANALYZE" if database.dialect == "sqlite" else "VACUUM ANALYZE"))


async def run(tx: Transaction, sql: str, store_id: int) -> None:
    used = {"store": store_id} | ({"now": NOW} if ":now" in sql else {})
    typed = text(sql).bindparams(bindparam("now", type_=Instant())) if ":now" in sql else text(sql)
    await tx.execute(typed, used)


async def build(database: Database, store_id: int, name: str, query: str) -> tuple[UUID, float]:
    """As a worker makes it: the whole job, its transactions among it."""
    store = Store(store_id, "Shop", "UTC", "USD", Limits(1, 5))
    async with database.write() as tx:
        context = FilterContext(store, await catalogue(tx, store_id, {}, NO_EXTENSIONS), NOW, extensions=NO_EXTENSIONS)
        begun = (await actions.create_segment(tx, context, SegmentInput(name=name, query=query))).build
    async with database.write() as tx:
        [notice] = await jobs.due(tx, 9)
        job = await jobs.claim(tx, store_id, notice.job_id, "bench", 600)
    assert job is not None
    began = perf_counter()
    await list_build.build(make_services(database), job)
    return begun.listed.id, perf_counter() - began


async def insert_bare(database: Database, store_id: int, list_id: UUID) -> float:
    of_list = bindparam("list", type_=Id())
    async with database.write() as tx:
        await tx.execute(text("DELETE FROM bare_ids"))
        same = text("INSERT INTO bare_ids SELECT customer_id FROM list_members WHERE list_id = :list").bindparams(
            of_list
        )
        assert (await tx.execute(same, {"list": list_id})).rowcount in range(MEMBERS * 9 // 10, MEMBERS * 11 // 10)
    async with database.read() as tx:
        await tx.execute(text("ANALYZE bare_ids"))
    began = perf_counter()
    async with database.write() as tx:
        bare = text(
            "INSERT INTO list_members (store_id, list_id, customer_id) SELECT :store, :list, customer_id FROM bare_ids"
        )
        await tx.execute(bare.bindparams(of_list), {"store": store_id, "list": ids.new()})
    return perf_counter() - began
