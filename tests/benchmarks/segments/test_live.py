"""Previews as a filter is edited, a page of customers and the segments they are in, a batch of changed customers."""

from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter

import pytest
from muster_sdk import AddressKind

from domain.extensions import NO_EXTENSIONS
from domain.kit import ids
from domain.segments import language
from domain.segments.evaluation.cache.lru import LeafCache
from domain.segments.evaluation.deadline import reading
from domain.segments.evaluation.match_customers import compile_filters, match_customers
from domain.segments.evaluation.preview import Previews
from domain.segments.evaluation.resolve import ResolvedFilter, catalogue, resolve_each
from domain.segments.filters import Definition
from domain.segments.sql.scope import FilterScope
from tests.benchmarks.segments.filters import FILTERS, WINDOWED
from tests.benchmarks.segments.loaded_store import CUSTOMERS, LoadedStore, opened
from tests.benchmarks.segments.measuring import Times, processor, table
from tests.benchmarks.segments.numbers import NOW

pytestmark = pytest.mark.benchmark
ROUNDS = 3
SECONDS = 600.0
CHANNELS = {"email": AddressKind.EMAIL, "sms": AddressKind.PHONE}
PAGE, CHANGED = 250, 1_000


@pytest.fixture(params=["postgresql", "sqlite"])
async def loaded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LoadedStore]:
    async with opened(request.param, tmp_path) as it:
        yield it


async def read(loaded: LoadedStore, query: str) -> Definition:
    async with loaded.database.read() as tx:
        known = await catalogue(tx, loaded.store.id, {"email": "E-mail"}, NO_EXTENSIONS)
    return language.read(query, known, loaded.store.timezone, property_conditions=5)


async def test_previews(loaded: LoadedStore, capsys: pytest.CaptureFixture[str]) -> None:
    """Cold: nothing is kept; reach kept: another filter came before; then one leaf changes; then all is kept."""
    rows: list[tuple[object, ...]] = []
    for each in (*FILTERS, *WINDOWED):
        first, edited = await read(loaded, each.query), await read(loaded, each.edited)
        cold, after, changed, kept = Times(), Times(), Times(), Times()
        for _ in range(ROUNDS):
            await count(loaded, LeafCache(2**26), cold, first)
            leaves = LeafCache(2**26)
            await count(loaded, leaves, Times(), Definition())
            await count(loaded, leaves, after, first)
            await count(loaded, leaves, changed, edited)
            await count(loaded, leaves, kept, edited)
        rows.append((each.name, cold.p50, after.p50, changed.p50, kept.p50))
    header = (
        f"{CUSTOMERS:,} customers, {loaded.database.dialect}, ms",
        "cold",
        "reach kept",
        "leaf changed",
        "all kept",
    )
    with capsys.disabled():
        print(f"\n{table(header, rows)}")


async def count(loaded: LoadedStore, leaves: LeafCache, times: Times, definition: Definition) -> None:
    async def of() -> int:
        return (
            await Previews(loaded.database, leaves, SECONDS, extensions=NO_EXTENSIONS).preview(
                loaded.store, definition, CHANNELS, NOW
            )
        ).count

    await times.add(of)


async def test_belonging(loaded: LoadedStore, capsys: pytest.CaptureFixture[str]) -> None:
    """All the filters as segments: a page of customers, and a batch of changed ones."""
    asking = {ids.new(): await read(loaded, each.query) for each in (*FILTERS, *WINDOWED)}
    rows: list[tuple[object, ...]] = []
    for customers in (PAGE, CHANGED):
        step = max(1, CUSTOMERS // customers)
        some = list(range(1, CUSTOMERS, step))[:customers]
        wall, work = Times(), Times()
        async with reading(loaded.database, SECONDS, snapshot=True) as tx:
            scope = FilterScope(loaded.store.id, loaded.store.timezone, NOW, tx.dialect)
            resolved = await resolve_each(tx, asking, scope, NO_EXTENSIONS)
            filters = {key: each for key, each in resolved.items() if isinstance(each, ResolvedFilter)}
            clock = await processor(tx)
            for _ in range(ROUNDS):
                began, worked = perf_counter(), clock()
                await match_customers(tx, compile_filters(filters), scope, some)
                wall.each.append((perf_counter() - began) * 1000)
                work.each.append(clock() - worked)
        pairs = len(some) * len(asking)
        rows.append((f"{len(some)} customers, {len(asking)} segments", wall.p50, work.p50, pairs / work.p50 * 1000))
    header = (f"{CUSTOMERS:,} customers, {loaded.database.dialect}", "ms", "database CPU ms", "answers / CPU-s")
    with capsys.disabled():
        print(f"\n{table(header, rows)}")
