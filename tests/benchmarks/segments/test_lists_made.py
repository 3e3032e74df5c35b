"""Filling lists from filters, the largest among them, beside a bare INSERT ... SELECT of the same ids."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import BigInteger, Select, bindparam, column, delete, insert, text
from sqlalchemy import table as table_of

from domain.extensions import NO_EXTENSIONS
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.db.types import Id
from domain.lists import queries
from domain.segments.evaluation.deadline import plan_for_sets
from domain.segments.evaluation.resolve import select_ids
from domain.segments.sql.scope import FilterScope
from domain.segments.tables import list_members
from tests.benchmarks.segments.filters import FILTERS
from tests.benchmarks.segments.loaded_store import CUSTOMERS, LoadedStore, opened
from tests.benchmarks.segments.measuring import Times, processor, table
from tests.benchmarks.segments.numbers import NOW
from tests.benchmarks.segments.test_filters import ROUNDS, read

pytestmark = pytest.mark.benchmark
BARE = table_of("bare_ids", column("customer_id", BigInteger()))
QUERIES = {
    **{asked.name: asked.query for asked in FILTERS if asked.key in {"S2", "S4", "S7", "S12", "S13"}},
    "everyone but the blacklisted": "everyone",
}


@pytest.fixture(params=["postgresql", "sqlite"])
async def loaded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LoadedStore]:
    async with opened(request.param, tmp_path) as it:
        yield it


@dataclass(slots=True)
class Made:
    """Milliseconds of the server's processor: of lists, and of bare inserts of ids in the list's order, or as found."""

    members: int = 0
    time: Times = field(default_factory=Times)
    work: Times = field(default_factory=Times)
    ordered: Times = field(default_factory=Times)
    as_found: Times = field(default_factory=Times)


async def test_lists_made(loaded: LoadedStore, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        made = {name: await beside(loaded, query) for name, query in QUERIES.items()}
        rows = [
            (
                name, it.members, f"{it.members / it.time.p50 * 1000:,.0f}", f"{it.members / it.work.p50 * 1000:,.0f}",
                it.as_found.p50 / it.work.p50, it.ordered.p50 / it.work.p50,
            )
            for name, it in made.items()
        ]  # fmt: skip
        header = (
            f"lists of {CUSTOMERS:,} customers, {loaded.database.dialect}", "members", "members/s", "a second of CPU",
            "of bare, ids as found (to reach: 0.85)", "of bare, ids sorted",
        )  # fmt: skip
        print(f"\n{table(header, rows)}\n", flush=True)


async def beside(loaded: LoadedStore, query: str) -> Made:
    made = Made()
    for _ in range(ROUNDS):
        await keep_ids(loaded, query)
        list_ids = [ids.new(), ids.new(), ids.new()]
        turns = (
            (made.work, made.time, partial(fill, loaded, query)),
            (made.as_found, Times(), partial(insert_bare, "")),
            (made.ordered, Times(), partial(insert_bare, "ORDER BY customer_id")),
        )
        for list_id, (work, time, insertion) in zip(list_ids, turns, strict=True):
            async with loaded.database.write() as tx:
                clock = await processor(tx)
                began = clock()
                made.members = await time.add(partial(insertion, tx, list_id))
                work.each.append(clock() - began)
        await forget(loaded, list_ids)
    return made


async def forget(loaded: LoadedStore, list_ids: Sequence[UUID]) -> None:
    async with loaded.database.write() as tx:
        await tx.execute(delete(list_members).where(list_members.c.list_id.in_(list_ids)))
    if loaded.database.dialect == "postgresql":
        async with loaded.database.read() as tx:
            await tx.execute(text("VACUUM list_members"))


async def fill(loaded: LoadedStore, query: str, tx: Transaction, list_id: UUID) -> int:
    await plan_for_sets(tx)
    return await queries.fill(tx, loaded.store.id, list_id, await finding(tx, loaded, query))


async def finding(tx: Transaction, loaded: LoadedStore, query: str) -> Select[int]:
    scope = FilterScope(loaded.store.id, loaded.store.timezone, NOW, tx.dialect)
    return await select_ids(tx, await read(tx, loaded, query), scope, NO_EXTENSIONS)


async def keep_ids(loaded: LoadedStore, query: str) -> None:
    """The ids alone, in the order in which they are found."""
    async with loaded.database.write() as tx:
        await tx.execute(text("DROP TABLE IF EXISTS bare_ids"))
        await tx.execute(text("CREATE TABLE bare_ids (customer_id BIGINT NOT NULL)"))
        await plan_for_sets(tx)
        await tx.execute(insert(BARE).from_select(["customer_id"], await finding(tx, loaded, query)))
        await tx.execute(text("ANALYZE bare_ids"))


async def insert_bare(order: str, tx: Transaction, list_id: UUID) -> int:
    rows = f"SELECT 1, :list, customer_id FROM (SELECT customer_id FROM bare_ids {order}) AS b"
    same = text(f"INSERT INTO list_members (store_id, list_id, customer_id) {rows}")
    inserted: int = (await tx.execute(same.bindparams(bindparam("list", list_id, type_=Id())))).rowcount
    return inserted
