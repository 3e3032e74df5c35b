"""Importing customers beside the bare loading of the same file into a table of the same keys."""

import csv
import os
import random
import re
import resource
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import pytest
from sqlalchemy import text

from domain.customers import actions as customer_actions
from domain.customers.tables import customers
from domain.imports import actions
from domain.imports.model import ImportKind
from domain.kit.db import Database
from domain.kit.values import ValueType
from tests.factories import NOW
from tests.fakes import IMPORTS
from tests.procfs import cpu_seconds

pytestmark = pytest.mark.benchmark
MADE = ("customers", "customer_facts", "customer_tags", "customer_properties", "contacts", "objections")
ROWS = int(os.environ.get("MUSTER_TEST_IMPORT_ROWS", "200000"))
HEADER = [
    "external_id", "name", "email", "phone", "gender", "birthday", "locale", "country", "city", "source", "tags",
    "property.favourite_genre", "property.shoe_size", "consent.email", "consent.sms",
]  # fmt: skip


def _rows(count: int) -> Iterator[list[object]]:
    chance = random.Random(7)
    given, family = ["Ann", "Bo", "Mei", "Ken", "Lina"], ["Sato", "Lin", "Garcia", "Khan", "Novak"]
    places = [("zh-TW", "TW", "Taipei"), ("ja", "JP", "Osaka"), ("en-US", "US", "Seattle")]
    consents = ["SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED", ""]
    for at in range(count):
        yield [
            f"customer-{at:08d}",
            f"{chance.choice(given)} {chance.choice(family)}",
            f"c{at:08d}@shop.example",
            f"+8869{chance.randrange(10**8):08d}" if chance.random() < 0.5 else "",
            chance.choice(["MALE", "FEMALE", "UNDISCLOSED"]),
            f"{chance.randrange(1940, 2005)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}",
            *chance.choice(places),
            chance.choice(["storefront", "pos", "import"]),
            chance.choice(["", "", "newsletter", "VIP;newsletter"]),
            chance.choice(["Rock", "Jazz", "Pop"]),
            chance.choice(["", chance.randrange(34, 47)]),
            chance.choice(consents),
            chance.choice(consents),
        ]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("import") / "customers.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([HEADER, *_rows(ROWS)])
    return path


async def test_import_beside_a_bare_load(database: Database, store_id: int, file: Path) -> None:
    """The store is young: its tables have no statistics when the import begins."""
    async with database.write() as tx:
        for key, kind in (("favourite_genre", ValueType.STRING), ("shoe_size", ValueType.NUMBER)):
            await customer_actions.define(tx, store_id, key, key, kind, NOW)
    bare = await _bare(database, file)
    async with _measured(database) as cost:
        file_of_customers = actions.LocalFile(ImportKind.CUSTOMERS, file)
        done = await actions.from_file(database, store_id, file_of_customers, IMPORTS)
    assert (done.status, done.done) == ("DONE", ROWS)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    async with database.read() as tx:
        assert await tx.scalar(text(f"SELECT count(*) FROM {customers.name}")) == ROWS
    same = await _same_rows(database)
    against = "server's CPU" if database.dialect == "postgresql" else "CPU"
    ratio = cost.server / same.server if database.dialect == "postgresql" else cost.client / same.client
    print(
        f"\nimport of {ROWS:,} customers on {database.dialect}, microseconds a row: {cost}; bare load {bare}, "
        f"time {cost.seconds / bare.seconds:.2f} times that (to reach on PostgreSQL: 4); "
        f"bare insert of the rows it made {same}, {against} {ratio:.2f} times that "
        f"(to reach: 1.3 on PostgreSQL, 2.5 on SQLite); peak memory {peak} MB (to reach: 300)"
    )


@dataclass
class Cost:
    """Seconds of time, and of CPU of this process and of the database's server."""

    seconds: float = 0
    client: float = 0
    server: float = 0

    def __str__(self) -> str:
        time, client, server = (value / ROWS * 1e6 for value in (self.seconds, self.client, self.server))
        return f"{time:.1f} of time, {client:.1f} + {server:.1f} of CPU"


@asynccontextmanager
async def _measured(database: Database) -> AsyncGenerator[Cost]:
    cost = Cost()
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


async def _bare(database: Database, file: Path) -> Cost:
    """What it costs to load the file as it is into a table with the customers' primary key and indexes."""
    columns = ", ".join(f'"{name}" text' for name in HEADER)
    async with database.write() as tx:
        await tx.execute(text(f"CREATE TABLE bare (store_id integer DEFAULT 1, id bigint DEFAULT 0, {columns})"))
        if database.dialect == "postgresql":
            await tx.execute(text("CREATE SEQUENCE bare_ids OWNED BY bare.id"))
            await tx.execute(text("ALTER TABLE bare ALTER id SET DEFAULT nextval('bare_ids')"))
        await tx.execute(text("CREATE UNIQUE INDEX bare_key ON bare (store_id, id)"))
        await tx.execute(text("CREATE UNIQUE INDEX bare_external_id ON bare (store_id, external_id)"))
        await tx.execute(text("CREATE INDEX bare_email ON bare (store_id, email)"))
        await tx.execute(text("CREATE INDEX bare_phone ON bare (store_id, phone)"))
    async with _measured(database) as cost, database.write() as tx:
        await tx.execute(text("SELECT 1"))
        if database.dialect == "postgresql":
            raw: Any = (await tx.connection.get_raw_connection()).driver_connection
            await raw.copy_to_table("bare", source=file, columns=HEADER, format="csv", header=True)
        else:
            await _load(tx.connection, file)
    async with database.write() as tx:
        await tx.execute(text("DROP TABLE bare"))
    return cost


async def _load(connection: Any, file: Path) -> None:
    marks = ", ".join("?" * len(HEADER))
    names = ", ".join(f'"{name}"' for name in HEADER)
    statement = f"INSERT INTO bare (store_id, id, {names}) VALUES (1, ?, {marks})"
    with file.open(newline="", encoding="utf-8") as source:
        records = csv.reader(source)
        next(records)
        numbered = ((at, *record) for at, record in enumerate(records))
        while some := list(islice(numbered, 10_000)):
            await connection.exec_driver_sql(statement, some)


async def _same_rows(database: Database) -> Cost:
    """What it costs to write the rows that the import made, ready as they are, into empty tables of the same keys."""
    if database.dialect == "sqlite":
        return await _same_rows_of_sqlite(database)
    async with database.write() as tx:
        for table in MADE:
            await tx.execute(text(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)"))
    async with _measured(database) as cost, database.write() as tx:
        for table in MADE:
            await tx.execute(text(f"INSERT INTO bare_{table} SELECT * FROM {table}"))
    async with database.write() as tx:
        for table in MADE:
            await tx.execute(text(f"DROP TABLE bare_{table}"))
    return cost


async def _same_rows_of_sqlite(database: Database) -> Cost:
    """As above, by executemany of the rows in memory, a transaction for each 10,000 customers."""
    names = re.compile(rf"\b(ix_\w+|{'|'.join(MADE)})\b")
    rows: dict[str, list[Any]] = {}
    async with database.write() as tx:
        for table in MADE:
            made = await tx.execute(
                text(f"SELECT sql FROM sqlite_master WHERE tbl_name = '{table}' AND sql IS NOT NULL")
            )
            for (sql,) in made.all():
                await tx.execute(text(names.sub(r"bare_\1", sql).replace("pk_", "bare_pk_")))
            rows[table] = [tuple(row) for row in await tx.execute(text(f"SELECT * FROM {table}"))]
    async with _measured(database) as cost:
        batches = max(ROWS // 10_000, 1)
        for batch in range(batches):
            async with database.write() as tx:
                for table, made_rows in rows.items():
                    size = -(-len(made_rows) // batches)
                    some = made_rows[batch * size : (batch + 1) * size]
                    marks = ", ".join("?" * len(some[0]))
                    await tx.connection.exec_driver_sql(f"INSERT INTO bare_{table} VALUES ({marks})", some)
    return cost
