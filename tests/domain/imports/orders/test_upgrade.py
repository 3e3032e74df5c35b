"""A file of orders that waits between two steps while the database is upgraded is read again, and ends as it should."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import column, func, insert, select, table, text

from domain import jobs
from domain.customers.tables import customer_facts, customers
from domain.imports import actions
from domain.imports.copy import key_of
from domain.imports.model import ImportKind
from domain.imports.tables import STAGED, imports, uploads
from domain.ingestion import order_recount
from domain.jobs import Job
from domain.kit.db import Database, Transaction
from domain.migrations import migrate
from domain.operations import queries as operations
from domain.operations.model import Problem
from domain.orders import facts
from domain.orders.tables import order_statuses, orders
from tests.domain.imports.files import claim, do, outcome, problems_of
from tests.factories import NOW, add_store
from tests.fakes import make_services

FIRST = b"order_id,customer_external_id,placed_at,status,total\no1,a,2026-01-02T00:00:00Z,paid,5\n"
SECOND = b"o2,a,2026-01-02T00:00:00Z,failed,7\no3,nobody,2026-01-02T00:00:00Z,,7\n"
# As the release of revision 0010 stored it once all was staged, and one customer's orders were merged.
MERGING: dict[str, object] = {
    "phase": "merge", "piece": 2, "offset": len(SECOND), "next_row": 5, "bytes_read": len(FIRST + SECOND),
    "columns": ["order_id", "customer_external_id", "placed_at", "status", "total"], "problem_count": 1,
    "property_types": {}, "last_part": 2, "merged_part": 0, "merged_customer": "a", "merged_rows": 1,
    "encoding": "utf-8", "header_row": 1,
}  # fmt: skip


@pytest.fixture
async def database_at_0010(empty_url: str) -> AsyncIterator[Database]:
    opened = Database(empty_url)
    await migrate(opened, "0010")
    yield opened
    await opened.close()


async def add_customer(tx: Transaction, store_id: int) -> None:
    """Add the customer 1, by columns that revision 0010 has."""
    flags = ("email_verified", "phone_verified", "member", "blacklisted")
    row = {"store_id": store_id, "id": 1, "external_id": "a", "created_at": NOW, "updated_at": NOW}
    for stored, values in (
        (customers, row | dict.fromkeys(flags, False)),
        (customer_facts, {"store_id": store_id, "customer_id": 1, "order_count": 0, "total_spent": 0}),
    ):
        columns = (column(name, stored.c[name].type) for name in values)
        await tx.execute(insert(table(stored.name, *columns)).values(values))


async def test_a_file_that_was_being_merged_is_read_again(database_at_0010: Database) -> None:
    database = database_at_0010
    async with database.write() as tx:
        store_id = await add_store(tx)
        await add_customer(tx, store_id)
        operation = await operations.start(tx, store_id, ImportKind.ORDERS.job, NOW)
        keys = {"store_id": store_id, "operation_id": operation.id}
        for number, content in enumerate((FIRST, SECOND), 1):
            await tx.execute(insert(uploads).values(**keys, number=number, content=content))
        stored = {"kind": ImportKind.ORDERS.value, "bytes": len(FIRST + SECOND), "progress": MERGING}
        await tx.execute(insert(imports).values(**keys, **stored))
        await operations.add_problems(tx, store_id, operation.id, [Problem(4, "There is no such customer")])
        job_id = await actions.submit(tx, store_id, operation.id, ImportKind.ORDERS)
        key = operation.id if tx.dialect == "postgresql" else key_of(operation.id, tx.dialect)
        staged = {"store_id": store_id, "operation_id": key, "placed_at": NOW if tx.dialect == "postgresql" else 0}
        await tx.execute(
            text(
                "INSERT INTO import_orders (store_id, operation_id, customer_external_id, order_id, row, placed_at, "
                "status, counted) VALUES (:store_id, :operation_id, 'a', 'o2', 3, :placed_at, 'failed', true)"
            ),
            staged,
        )
    await migrate(database)
    await do(database, await claim(database, store_id, job_id))
    done = await outcome(database, operation)
    assert (done.status, done.done) == ("DONE", 3)
    assert [(problem.row, problem.column) for problem in await problems_of(database, done)] == [
        (4, "customer_external_id")
    ]
    async with database.read() as tx:
        kept = await tx.execute(select(orders.c.id, orders.c.status, orders.c.counted).order_by(orders.c.id))
        assert [tuple(row) for row in kept] == [("o1", "paid", True), ("o2", "failed", False)]
        assert await facts.mismatches(tx, store_id) == []
        for staged_table in STAGED:
            assert await tx.scalar(select(func.count()).select_from(staged_table)) == 0, staged_table.name


async def test_orders_that_are_there_are_counted_by_the_words_of_shops(database_at_0010: Database) -> None:
    database = database_at_0010
    async with database.write() as tx:
        store_id = await add_store(tx)
        await add_customer(tx, store_id)
        customer_id = 1
        placed = NOW if tx.dialect == "postgresql" else 0
        for status, total in (
            ("completed", 1),
            ("failed", 10),
            ("frobbed", 100),
            ("cancelled", 1000),
            ("paid", -10000),
        ):
            await tx.execute(
                text(
                    "INSERT INTO orders (store_id, customer_id, id, placed_at, status, counted, total, updated_at) "
                    "VALUES (:store_id, :customer, :status, :placed, :status, :counted, :total, :placed)"
                ),
                {"store_id": store_id, "customer": customer_id, "status": status, "placed": placed,
                 "counted": status != "cancelled", "total": total * 10_000},
            )  # fmt: skip
    await migrate(database)

    async def counted() -> set[str]:
        async with database.read() as tx:
            return set((await tx.execute(select(orders.c.id).where(orders.c.counted))).scalars())

    # The migration itself changes no figure.
    assert await counted() == {"completed", "failed", "frobbed", "paid"}
    async with database.write() as tx:
        [notice] = [notice for notice in await jobs.due(tx, 10) if notice.store_id == store_id]
        job = await jobs.claim(tx, store_id, notice.job_id, "worker")
    assert isinstance(job, Job)
    assert job.kind == order_recount.RECOUNT.name
    await order_recount.run(make_services(database), job)
    assert await counted() == {"completed", "frobbed"}
    async with database.read() as tx:
        said = await tx.execute(select(order_statuses.c.status, order_statuses.c.meaning))
        assert [tuple(row) for row in said] == [("frobbed", "SALE")]
        assert await facts.mismatches(tx, store_id) == []
