"""Importing the lines of orders beside the bare loading of the same file into a table of the same keys."""

import csv
import os
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from domain.imports import actions
from domain.imports.model import ImportKind
from domain.kit.db import Database
from domain.orders import facts
from domain.orders.tables import order_items
from tests.benchmarks.imports import MeasuredFile, import_beside_bare_loads
from tests.factories import NOW
from tests.fakes import IMPORTS

pytestmark = pytest.mark.benchmark
MADE = ("orders", "order_customers", "order_items", "customer_favourites", "customer_facts")
ROWS = int(os.environ.get("MUSTER_TEST_IMPORT_ROWS", "200000"))
CUSTOMERS = max(ROWS // 10, 1)
HEADER = [
    "order_id", "customer_external_id", "placed_at", "status", "payment_status", "source", "coupon", "product",
    "name", "category", "brand", "quantity", "price",
]  # fmt: skip


def _rows(count: int) -> Iterator[list[object]]:
    """Make lines of orders of one to four items, in the order of time, of customers in no order."""
    chance = random.Random(7)
    written, order = 0, 0
    while written < count:
        order += 1
        placed_at = NOW - timedelta(days=700) + timedelta(minutes=order)
        head = [
            f"order-{order:08d}",
            f"customer-{chance.randrange(CUSTOMERS):08d}",
            f"{placed_at:%Y-%m-%dT%H:%M:%SZ}",
            chance.choice(["completed", "completed", "completed", "cancelled"]),
            "paid",
            chance.choice(["shop", "pos"]),
            chance.choice(["", "", "", "MAY"]),
        ]
        for _ in range(min(chance.randrange(1, 5), count - written)):
            product = chance.randrange(5_000)
            item = [f"p{product}", f"Product {product}", f"category {product % 40}", f"brand {product % 200}"]
            yield [*head, *item, chance.randrange(1, 4), f"{chance.randrange(100, 9_999) / 100:.2f}"]
            written += 1


def _write(path: Path, header: list[str], rows: Iterator[list[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerow(header)
        csv.writer(out).writerows(rows)
    return path


async def test_import_of_orders_beside_a_bare_load(database: Database, store_id: int, tmp_path: Path) -> None:
    """The tables of orders have no statistics when the import begins."""
    people = _write(tmp_path / "customers.csv", ["external_id"], ([f"customer-{at:08d}"] for at in range(CUSTOMERS)))
    await actions.from_file(database, store_id, actions.LocalFile(ImportKind.CUSTOMERS, people), IMPORTS)
    file = _write(tmp_path / "orders.csv", HEADER, _rows(ROWS))
    indexed = ["order_id", "customer_external_id"]
    measured = MeasuredFile(ImportKind.ORDERS, file, HEADER, ROWS, [], indexed, MADE)
    await import_beside_bare_loads(database, store_id, measured)
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(order_items)) == ROWS
        assert await facts.mismatches(tx, store_id) == []
