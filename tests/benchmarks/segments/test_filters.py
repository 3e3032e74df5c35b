"""Finding the customers of thirteen filters: beside SQL written by hand, and beside DuckDB on the raw rows."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import pytest
from muster_sdk import AddressKind
from sqlalchemy import Executable, func, select, text

from domain.extensions import NO_EXTENSIONS
from domain.kit.db import Transaction
from domain.segments import language
from domain.segments.evaluation.cache.lru import LeafCache
from domain.segments.evaluation.deadline import reading
from domain.segments.evaluation.preview import Previews
from domain.segments.evaluation.resolve import catalogue, select_ids
from domain.segments.filters import Definition
from domain.segments.sql.scope import FilterScope
from tests.benchmarks.segments import raw
from tests.benchmarks.segments.filters import FILTERS, WINDOWED, Asked
from tests.benchmarks.segments.hand import BY_HAND, ON_RAW_TABLES, Words
from tests.benchmarks.segments.loaded_store import CUSTOMERS, LoadedStore, opened
from tests.benchmarks.segments.measuring import Times, processor, table
from tests.benchmarks.segments.numbers import NOW

pytestmark = pytest.mark.benchmark
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))
SECONDS = 600.0
CHANNELS = {"email": AddressKind.EMAIL}
CACHE = 64 * 2**20


@dataclass(slots=True)
class Measured:
    asked: Asked
    found: int = 0
    cold: Times = field(default_factory=Times)
    hand: Times = field(default_factory=Times)
    duck: Times = field(default_factory=Times)
    work: Times = field(default_factory=Times)
    work_by_hand: Times = field(default_factory=Times)
    preview: Times = field(default_factory=Times)
    edited: Times = field(default_factory=Times)

    @property
    def ratio(self) -> float:
        """Of processor time: the median, since two runs beside each other are disturbed alike."""
        return self.work.p50 / self.work_by_hand.p50


@pytest.fixture(params=["postgresql", "sqlite"])
async def loaded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LoadedStore]:
    async with opened(request.param, tmp_path) as it:
        yield it


async def test_filters(loaded: LoadedStore, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        duck = await raw.connected(loaded) if loaded.database.dialect == "postgresql" else None
        measured = [await measure(loaded, duck, asked) for asked in (*FILTERS, *WINDOWED)]
        show(loaded.database.dialect, measured)


async def measure(loaded: LoadedStore, duck: Any, asked: Asked) -> Measured:
    result = Measured(asked)
    async with reading(loaded.database, SECONDS) as tx:
        definition = await read(tx, loaded, asked.query)
        compiled = await counting(tx, loaded, definition)
        edited = await read(tx, loaded, asked.edited)
    by_hand = BY_HAND[asked.key](Words(loaded.database.dialect)).replace(":", "\\:")
    await in_turns(loaded, result, compiled, text(by_hand), duck)
    # Other words, lest PostgreSQL takes the plan for two processes that it has: it would not ask again without values.
    await at_work(loaded, result, compiled, text(f"/* alone */ {by_hand}"))
    await previewed(loaded, result, definition, edited)
    print(".", end="", flush=True)
    return result


async def read(tx: Transaction, loaded: LoadedStore, query: str) -> Definition:
    known = await catalogue(tx, loaded.store.id, {"email": "E-mail"}, NO_EXTENSIONS)
    return language.read(query, known, loaded.store.timezone, property_conditions=5)


async def counting(tx: Transaction, loaded: LoadedStore, definition: Definition) -> Executable:
    found = await select_ids(
        tx, definition, FilterScope(loaded.store.id, loaded.store.timezone, NOW, tx.dialect), NO_EXTENSIONS
    )
    return select(func.count()).select_from(found.subquery())


async def in_turns(loaded: LoadedStore, result: Measured, compiled: Executable, by_hand: Executable, duck: Any) -> None:
    """Compiled, by hand and on DuckDB, one after the other, as previews run; the first time does not count."""

    async def on_duckdb() -> int:
        found: int = duck.execute(ON_RAW_TABLES[result.asked.key](Words("duckdb"))).fetchone()[0]
        return found

    async with reading(loaded.database, SECONDS) as tx:
        for number in range(ROUNDS + 1):
            result.found = await result.cold.add(lambda: tx.scalar(compiled))
            assert await result.hand.add(lambda: tx.scalar(by_hand)) == result.found, result.asked.name
            if duck is not None:
                assert await result.duck.add(on_duckdb) == result.found, result.asked.name
            if number == 0:
                for times in (result.cold, result.hand, result.duck):
                    times.each.clear()


async def at_work(loaded: LoadedStore, result: Measured, compiled: Executable, by_hand: Executable) -> None:
    """Processor time, in one process."""
    async with reading(loaded.database, SECONDS) as tx:
        if tx.dialect == "postgresql":
            await tx.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
        clock = await processor(tx)
        for _ in range(ROUNDS):
            for times, statement in ((result.work, compiled), (result.work_by_hand, by_hand)):
                began = clock()
                await tx.scalar(statement)
                times.each.append(clock() - began)


async def previewed(loaded: LoadedStore, result: Measured, definition: Definition, edited: Definition) -> None:
    """As the API answers: nothing is kept from before, and then one leaf changes."""
    for _ in range(ROUNDS):
        previews = Previews(loaded.database, LeafCache(CACHE), SECONDS, extensions=NO_EXTENSIONS)

        async def of(asked: Definition, by: Previews = previews) -> int:
            return (await by.preview(loaded.store, asked, CHANNELS, NOW)).count

        assert await result.preview.add(lambda: of(definition)) == result.found
        # Meanwhile whoever writes the filter reads the answer.
        await previews.wait_for_prefetch()
        await result.edited.add(lambda: of(edited))


def show(dialect: str, measured: list[Measured]) -> None:
    header = (
        f"{CUSTOMERS:,} customers, {dialect}, ms", "found", "count p50", "p95", "by hand p50", "CPU", "by hand",
        "ratio", "preview p50", "p95", "leaf changed p50", "p95", "DuckDB raw p50", "ratio",
    )  # fmt: skip
    rows = [
        (
            each.asked.name, each.found, each.cold.p50, each.cold.p95, each.hand.p50, each.work.p50,
            each.work_by_hand.p50, each.ratio, each.preview.p50, each.preview.p95, each.edited.p50, each.edited.p95,
            *((each.duck.p50, each.cold.p50 / each.duck.p50) if each.duck.each else ("", "")),
        )
        for each in measured
    ]  # fmt: skip
    print(f"\n{table(header, rows)}")
    thirteen = measured[: len(FILTERS)]
    compiled, worst = geometric_mean(each.ratio for each in thirteen), max(each.ratio for each in thirteen)
    means = [f"CPU compiled / by hand {compiled:.2f} (to reach: each 1.15), the worst {worst:.2f}"]
    if thirteen[0].duck.each:
        ratio = geometric_mean(each.cold.p50 / each.duck.p50 for each in thirteen)
        means.append(f"time / DuckDB's on raw tables, {raw.THREADS} threads: {ratio:.2f} (to reach: 1)")
    print(f"geometric means of the thirteen: {'; '.join(means)}\n", flush=True)
