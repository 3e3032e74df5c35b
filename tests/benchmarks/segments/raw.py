"""The same rows in DuckDB: what the shop did, without what the product counts of it."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import pytest
from sqlalchemy import text

from tests.benchmarks.segments.loaded_store import LoadedStore

THREADS = 2
_WHEN, _TEXT, _ID = "TIMESTAMP", "VARCHAR", "INTEGER"
_COLUMNS: dict[str, dict[str, str]] = {
    "customers": {
        "store_id": _ID, "id": "BIGINT", "country": _TEXT, "gender": _TEXT, "birthday": "DATE", "member": "BOOLEAN",
        "blacklisted": "BOOLEAN", "deleted_at": _WHEN,
    },
    "contacts": {"store_id": _ID, "customer_id": "BIGINT", "channel": _TEXT, "consent": _TEXT},
    "customer_tags": {"store_id": _ID, "customer_id": "BIGINT", "tag": _TEXT},
    "customer_properties": {"store_id": _ID, "customer_id": "BIGINT", "property_id": _ID, "number": "DOUBLE"},
    "orders": {
        "store_id": _ID, "id": _TEXT, "customer_id": "BIGINT", "placed_at": _WHEN, "counted": "BOOLEAN",
        "total": "BIGINT",
    },
    "order_items": {
        "store_id": _ID, "order_id": _TEXT, "customer_id": "BIGINT", "placed_at": _WHEN, "counted": "BOOLEAN",
        "product": _TEXT, "category": _TEXT,
    },
    "events": {"store_id": _ID, "customer_id": "BIGINT", "type": _TEXT, "occurred_at": _WHEN, "subject": _TEXT},
    "wallet_lots": {"store_id": _ID, "kind": _TEXT, "customer_id": "BIGINT", "remaining": "BIGINT",
                    "expires_on": "DATE"},
}  # fmt: skip

Counting = Callable[[str], int]


async def connected(loaded: LoadedStore) -> Any:
    """A connection of DuckDB's, with the rows of PostgreSQL's store."""
    duckdb: Any = pytest.importorskip("duckdb", reason="`uv sync --group bench` brings it")
    path = f"{loaded.folder / str(loaded.database.engine.url.database)}.duckdb"
    connection = duckdb.connect(path, config={"threads": THREADS})
    if not connection.execute("SELECT 1 FROM duckdb_tables()").fetchall():
        began = perf_counter()
        for table, columns in _COLUMNS.items():
            await _copy(loaded, connection, table, columns)
        print(f"the same rows in DuckDB in {perf_counter() - began:.0f} s", flush=True)
    return connection


async def _copy(loaded: LoadedStore, connection: Any, table: str, columns: dict[str, str]) -> None:
    read = [f"{name} AT TIME ZONE 'UTC'" if kind is _WHEN else name for name, kind in columns.items()]
    file = loaded.folder / f"{table}.csv"
    async with loaded.database.read() as tx:
        await tx.execute(text("SELECT 1"))
        driver: Any = (await tx.connection.get_raw_connection()).driver_connection
        await driver.copy_from_query(f"SELECT {', '.join(read)} FROM {table}", output=file, format="csv")
    connection.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv('{file}', header = false, columns = {columns})")
    file.unlink()
