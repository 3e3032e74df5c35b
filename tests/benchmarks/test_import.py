"""Importing customers beside the bare loading of the same file into a table of the same keys."""

import csv
import os
import random
import resource
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from sqlalchemy import text

from domain.customers.tables import customers
from domain.imports import actions
from domain.imports.model import ImportKind
from domain.kit.db import Database
from tests.fakes import IMPORTS

pytestmark = pytest.mark.benchmark
MADE = ("customers", "customer_facts", "customer_tags", "customer_properties", "contacts")
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
    bare = await _bare(database, file)
    began = perf_counter()
    file_of_customers = actions.LocalFile(ImportKind.CUSTOMERS, file)
    done = await actions.from_file(database, store_id, file_of_customers, IMPORTS)
    took = perf_counter() - began
    assert (done.status, done.done) == ("DONE", ROWS)
    async with database.read() as tx:
        assert await tx.scalar(text(f"SELECT count(*) FROM {customers.name}")) == ROWS
    same = await _same_rows(database)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"\nimport of {ROWS:,} customers on {database.dialect}: {ROWS / took:,.0f} rows/s in {took:.1f} s; "
        f"bare load {ROWS / bare:,.0f} rows/s in {bare:.1f} s; ratio {took / bare:.2f} (to reach: 3); "
        + (f"bare insert of the rows it made {same:.1f} s, ratio {took / same:.2f}; " if same else "")
        + f"peak memory {peak} MB (to reach: 300)"
    )


async def _bare(database: Database, file: Path) -> float:
    """Seconds to load the file as it is into a table with the customers' primary key and indexes."""
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
    began = perf_counter()
    async with database.write() as tx:
        await tx.execute(text("SELECT 1"))
        if database.dialect == "postgresql":
            raw: Any = (await tx.connection.get_raw_connection()).driver_connection
            await raw.copy_to_table("bare", source=file, columns=HEADER, format="csv", header=True)
        else:
            await _load(tx.connection, file)
    took = perf_counter() - began
    async with database.write() as tx:
        await tx.execute(text("DROP TABLE bare"))
    return took


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


async def _same_rows(database: Database) -> float | None:
    """Seconds to write what the import made into empty tables of the same keys, from rows already typed and joined."""
    if database.dialect != "postgresql":
        return None
    async with database.write() as tx:
        for table in MADE:
            await tx.execute(text(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)"))
    began = perf_counter()
    async with database.write() as tx:
        for table in MADE:
            await tx.execute(text(f"INSERT INTO bare_{table} SELECT * FROM {table}"))
    took = perf_counter() - began
    async with database.write() as tx:
        for table in MADE:
            await tx.execute(text(f"DROP TABLE bare_{table}"))
    return took
