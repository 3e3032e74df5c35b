"""Importing customers beside the bare loading of the same file into a table of the same keys."""

import csv
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.customers import actions as customer_actions
from domain.customers.tables import customers
from domain.imports.model import ImportKind
from domain.kit.db import Database
from domain.kit.values import ValueType
from tests.benchmarks.imports import MeasuredFile, import_beside_bare_loads
from tests.factories import NOW

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
    measured = MeasuredFile(ImportKind.CUSTOMERS, file, HEADER, ROWS, ["external_id"], ["email", "phone"], MADE)
    await import_beside_bare_loads(database, store_id, measured)
    async with database.read() as tx:
        assert await tx.scalar(text(f"SELECT count(*) FROM {customers.name}")) == ROWS
