"""The benchmark's store: made anew, or found as an earlier run stored it."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from domain.kit.db import Database
from domain.migrations import migrate
from domain.stores.model import Limits, Store
from domain.stores.tables import stores
from tests.benchmarks.segments.loading import load
from tests.benchmarks.segments.numbers import TIMEZONE
from tests.factories import add_store
from tests.services import POSTGRES

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "20000"))
# The name of a database, and of files beside the temporary ones, that stays for the next run; empty: nothing stays.
KEPT = os.environ.get("BENCH_KEEP", "")


@dataclass(frozen=True, slots=True)
class LoadedStore:
    database: Database
    store: Store
    folder: Path


@asynccontextmanager
async def opened(dialect: str, folder: Path) -> AsyncGenerator[LoadedStore]:
    place = Path("/tmp") if KEPT else folder
    at = _on_postgresql() if dialect == "postgresql" else _on_sqlite(place)
    async with at as url:
        database = Database(url)
        try:
            yield LoadedStore(
                database, Store(await _stocked(database), "Shop", TIMEZONE, "TWD", Limits(10_000, 5)), place
            )
        finally:
            await database.close()


async def _stocked(database: Database) -> int:
    await migrate(database)
    name = f"{CUSTOMERS:,} customers"
    async with database.write() as tx:
        had: str | None = await tx.scalar(select(stores.c.name))
        if had == name:
            return 1
        assert had is None, f"{KEPT} holds another shop: {had}"
        store_id = await add_store(tx, timezone=TIMEZONE, name="being loaded")
    print(f"\nloading {name} into {database.dialect}", flush=True)
    took = await load(database, store_id, CUSTOMERS)
    async with database.write() as tx:
        await tx.execute(stores.update().values(name=name))
    print(f"loaded in {took:.0f} s", flush=True)
    return store_id


@asynccontextmanager
async def _on_sqlite(folder: Path) -> AsyncGenerator[str]:
    yield f"sqlite+aiosqlite:///{folder / (KEPT or 'bench')}.db"


@asynccontextmanager
async def _on_postgresql() -> AsyncGenerator[str]:
    name = KEPT or f"muster_bench_{os.getpid()}"
    engine = create_async_engine(POSTGRES.url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            found = await connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name})
            if found.scalar() is None:
                await connection.execute(text(f'CREATE DATABASE "{name}"'))
        yield make_url(POSTGRES.url).set(database=name).render_as_string(hide_password=False)
        if not KEPT:
            async with engine.connect() as connection:
                await connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    finally:
        await engine.dispose()
