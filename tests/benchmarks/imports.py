"""Measures imports beside bare loads: of the same file as it is, and of the rows that the import os
import made of it."""

import csv
import os
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from sqlalchemy import text

from domain.imports import actions
from domain.imports.model import ImportKind
from domain.kit.db import Database
from domain.kit.memory import release_free_memory
from tests.fakes import IMPORTS
from tests.procfs import cpu_seconds, peak_bytes, reset_peak


@dataclass(frozen=True)
class MeasuredFile:
    """A file of so many rows, the keys that a bare table of it has, and the tables in which the import makes rows."""

    kind: ImportKind
    path: Path
    header: Sequence[str]
    rows: int
    unique: Sequence[str]
    indexed: Sequence[str]
    made: Sequence[str]


@dataclass
class Cost:
    """Seconds of time, and of CPU of this process and of the database's server, for so many rows."""

    rows: int
    seconds: float = 0
    client: float = 0
    server: float = 0

    def __str__(self) -> str:
        time, client, server = (value / self.rows * 1e6 for value in (self.seconds, self.client, self.server))
        return f"{time:.1f} of time, {client:.1f} + {server:.1f} of CPU"


async def import_beside_bare_loads(database: Database, store_id: int, file: MeasuredFile) -> None:
    """Import the file, load it as it is, write the same rows, and print what each costs."""
    bare = await _bare(database, file)
    # The driver buffers what the bare load reads faster than the server takes it.
    release_free_memory()
    reset_peak(os.getpid())
    async with _measured(database, file.rows) as cost:
        done = await actions.from_file(database, store_id, actions.LocalFile(file.kind, file.path), IMPORTS)
    assert (done.status, done.done) == ("DONE", file.rows)
    peak = peak_bytes(os.getpid()) >> 20
    same = await _same_rows(database, file)
    against = "server's CPU" if database.dialect == "postgresql" else "CPU"
    ratio = cost.server / same.server if database.dialect == "postgresql" else cost.client / same.client
    print(
        f"\nimport of {file.rows:,} {file.kind.value} on {database.dialect}, microseconds a row: {cost}; bare load "
        f"{bare}, time {cost.seconds / bare.seconds:.2f} times that (to reach on PostgreSQL: 4); "
        f"bare insert of the rows it made {same}, {against} {ratio:.2f} times that "
        f"(to reach: 1.3 on PostgreSQL, 2.5 on SQLite); peak memory {peak} MB (to reach: 300)"
    )


@asynccontextmanager
async def _measured(database: Database, rows: int) -> AsyncGenerator[Cost]:
    cost = Cost(rows)
    server = await _server_cpu(database)
    began, process = perf_counter(), process_time()
    yield cost
    cost.seconds, cost.client = perf_counter() - began, process_time() - process
    after = await _server_cpu(database)
    cost.server = sum(after.values()) - sum(server.get(pid, 0) for pid in after)


async def _server_cpu(database: Database) -> dict[int, float]:
    """Return the seconds of CPU of each process that serves the database: PostgreSQL runs on this machine."""
    if database.dialect != "postgresql":
        return {}
    async with database.read() as tx:
        of_database = "datname = current_database() AND backend_type = 'client backend'"
        pids = await tx.execute(text(f"SELECT pid FROM pg_stat_activity WHERE {of_database}"))
        return {pid: cpu_seconds(pid) for pid in pids.scalars()}


async def _bare(database: Database, file: MeasuredFile) -> Cost:
    """What it costs to load the file as it is into a table with the same primary key and indexes."""
    columns = ", ".join(f'"{name}" text' for name in file.header)
    async with database.write() as tx:
        await tx.execute(text(f"CREATE TABLE bare (store_id integer DEFAULT 1, id bigint DEFAULT 0, {columns})"))
        if database.dialect == "postgresql":
            await tx.execute(text("CREATE SEQUENCE bare_ids OWNED BY bare.id"))
            await tx.execute(text("ALTER TABLE bare ALTER id SET DEFAULT nextval('bare_ids')"))
        for unique, names in (("UNIQUE", ("id", *file.unique)), ("", file.indexed)):
            for name in names:
                await tx.execute(text(f"CREATE {unique} INDEX bare_{name} ON bare (store_id, {name})"))
    async with _measured(database, file.rows) as cost, database.write() as tx:
        await tx.execute(text("SELECT 1"))
        if database.dialect == "postgresql":
            raw: Any = (await tx.connection.get_raw_connection()).driver_connection
            await raw.copy_to_table("bare", source=file.path, columns=file.header, format="csv", header=True)
        else:
            await _load(tx.connection, file)
    async with database.write() as tx:
        await tx.execute(text("DROP TABLE bare"))
    return cost


async def _load(connection: Any, file: MeasuredFile) -> None:
    marks = ", ".join("?" * len(file.header))
    names = ", ".join(f'"{name}"' for name in file.header)
    statement = f"INSERT INTO bare (store_id, id, {names}) VALUES (1, ?, {marks})"
    with file.path.open(newline="", encoding="utf-8") as source:
        records = csv.reader(source)
        next(records)
        numbered = ((at, *record) for at, record in enumerate(records))
        while some := list(islice(numbered, 10_000)):
            await connection.exec_driver_sql(statement, some)


async def _same_rows(database: Database, file: MeasuredFile) -> Cost:
    """What it costs to write the rows that the import made, ready as they are, into empty tables of the same keys."""
    if database.dialect == "sqlite":
        return await _same_rows_of_sqlite(database, file)
    async with database.write() as tx:
        for table in file.made:
            await tx.execute(text(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)"))
    async with _measured(database, file.rows) as cost, database.write() as tx:
        for table in file.made:
            await tx.execute(text(f"INSERT INTO bare_{table} SELECT * FROM {table}"))
    async with database.write() as tx:
        for table in file.made:
            await tx.execute(text(f"DROP TABLE bare_{table}"))
    return cost


async def _same_rows_of_sqlite(database: Database, file: MeasuredFile) -> Cost:
    """As above, by executemany of the rows in memory, a transaction for each 10,000 rows of the file."""
    names = re.compile(rf"\b(ix_\w+|{'|'.join(file.made)})\b")
    rows: dict[str, list[Any]] = {}
    async with database.write() as tx:
        for table in file.made:
            made = await tx.execute(
                text(f"SELECT sql FROM sqlite_master WHERE tbl_name = '{table}' AND sql IS NOT NULL")
            )
            for (sql,) in made.all():
                await tx.execute(text(names.sub(r"bare_\1", sql).replace("pk_", "bare_pk_")))
            rows[table] = [tuple(row) for row in await tx.execute(text(f"SELECT * FROM {table}"))]
    async with _measured(database, file.rows) as cost:
        batches = max(file.rows // 10_000, 1)
        for batch in range(batches):
            async with database.write() as tx:
                for table, made_rows in rows.items():
                    size = -(-len(made_rows) // batches)
                    some = made_rows[batch * size : (batch + 1) * size]
                    marks = ", ".join("?" * len(some[0]))
                    await tx.connection.exec_driver_sql(f"INSERT INTO bare_{table} VALUES ({marks})", some)
    return cost
