"""The purchases of 23,570 real people come in whole, and count as the files themselves do."""

import csv
import os
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from domain.customers.tables import customer_facts, customers
from domain.imports import actions
from domain.imports.model import ImportKind
from domain.kit.db import Database
from domain.operations import queries as operations
from domain.orders import facts
from domain.orders.tables import order_items, orders
from tests.fakes import IMPORTS

CDNOW = Path(__file__).parents[4] / "shared" / "data" / "cdnow"


@pytest.fixture
def cdnow() -> Path:
    if not (CDNOW / "orders.csv").exists():
        message = "the CDNOW files are not in ../shared/data/cdnow"
        if os.environ.get("CI"):
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return CDNOW


@pytest.mark.slow
async def test_the_files_come_in_whole_and_count_alike(database: Database, store_id: int, cdnow: Path) -> None:
    for kind in (ImportKind.CUSTOMERS, ImportKind.ORDERS):
        done = await actions.from_file(database, store_id, actions.LocalFile(kind, cdnow / f"{kind}.csv"), IMPORTS)
        async with database.read() as tx:
            assert await operations.problems_of(tx, store_id, [done.id]) == {done.id: []}
        assert done.status == "DONE"
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(customers)) == 23_570
        assert await tx.scalar(select(func.count()).select_from(orders)) == 69_659
        assert await tx.scalar(select(func.count()).select_from(order_items)) == 69_659
        assert await facts.mismatches(tx, store_id) == []
        rows = await tx.execute(
            select(
                customers.c.external_id,
                customer_facts.c.order_count,
                customer_facts.c.total_spent,
                customer_facts.c.first_order_at,
                customer_facts.c.last_order_at,
                customer_facts.c.order_3_at,
            ).join(customer_facts, customer_facts.c.customer_id == customers.c.id)
        )
        counted = {row[0]: tuple(row[1:]) for row in rows}
    assert counted == facts_of_file(cdnow)


def facts_of_file(cdnow: Path) -> dict[str, tuple[object, ...]]:
    bought: dict[str, list[tuple[datetime, Decimal]]] = defaultdict(list)
    with (cdnow / "orders.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            moment = datetime.fromisoformat(row["placed_at"])
            bought[row["customer_external_id"]].append((moment, Decimal(row["total"])))
    facts_by_customer: dict[str, tuple[object, ...]] = {}
    for customer, purchases in bought.items():
        purchases.sort()
        moments = [moment for moment, _ in purchases]
        third_last = moments[-3] if len(moments) >= 3 else None
        total = sum(amount for _, amount in purchases)
        facts_by_customer[customer] = len(purchases), total, moments[0], moments[-1], third_last
    return facts_by_customer
