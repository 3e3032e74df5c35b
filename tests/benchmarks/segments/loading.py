"""Loads the shop: rows made inside the database, without its indexes, which are built afterwards."""

from collections.abc import Sequence
from time import perf_counter

from sqlalchemy import select, text

from domain.customers.tables import customer_facts
from domain.events import log as event_log
from domain.events.tables import events
from domain.kit.db import AnyRow, Database
from domain.orders import facts
from domain.segments.evaluation.deadline import plan_for_sets
from tests.benchmarks.segments.numbers import Numbers
from tests.benchmarks.segments.world import PROPERTIES, rows

FILLED = (
    "customers", "customer_numbers", "customer_facts", "contacts", "customer_tags", "customer_properties",
    "property_definitions", "order_customers", "orders", "order_items", "event_customers", "events", "event_counters",
    "customer_favourites", "wallet_lots",
)  # fmt: skip


async def load(database: Database, store_id: int, customers: int) -> float:
    """Seconds that it took."""
    began = perf_counter()
    numbers = Numbers(database.dialect)
    indexes = await _drop_indexes(database)
    await _run(database, _numbering(store_id, customers), "customer_numbers")
    await _run(database, _definitions(store_id, numbers), "property_definitions")
    for each in rows(customers, numbers):
        await _run(database, each.statement(store_id), each.table)
    await _run(database, _bare_facts(store_id), "customer_facts")
    for statement in indexes:
        await _run(database, statement, statement[:90])
    await _count(database, store_id)
    async with database.read() as tx:
        await tx.execute(text("ANALYZE" if database.dialect == "sqlite" else "VACUUM ANALYZE"))
    return perf_counter() - began


async def _run(database: Database, statement: str, what: str) -> None:
    began = perf_counter()
    async with database.write() as tx:
        if database.dialect == "postgresql":
            await tx.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
            await tx.execute(text("SET LOCAL synchronous_commit = off"))
            await tx.execute(text("SET LOCAL jit = on"))
        done = await tx.connection.exec_driver_sql(statement)
        counted = max(0, done.rowcount)
    print(f"  {what}: {counted:,} rows in {perf_counter() - began:.1f} s", flush=True)


def _numbering(store_id: int, customers: int) -> str:
    return f"INSERT INTO customer_numbers (store_id, last) VALUES ({store_id}, {customers})"


def _definitions(store_id: int, numbers: Numbers) -> str:
    kind = "CASE i % 3 WHEN 0 THEN 'STRING' WHEN 1 THEN 'NUMBER' ELSE 'DATE' END"
    named = f"{store_id}, i, 'k' || i, 'K' || i, {kind}, {numbers.instant('0')}"
    into = "property_definitions (store_id, id, key, label, type, created_at)"
    return f"INSERT INTO {into} SELECT {named} FROM {numbers.up_to(PROPERTIES)}"


def _bare_facts(store_id: int) -> str:
    into = "customer_facts (store_id, customer_id, order_count, total_spent)"
    return f"INSERT INTO {into} SELECT {store_id}, id, 0, 0 FROM customers"


async def _count(database: Database, store_id: int) -> None:
    """What the product keeps of it all, by the product's own counting."""
    of, log = customer_facts.c, events.c
    everyone = select(of.customer_id).where(of.store_id == store_id)
    happened = select(log.type, log.customer_id, log.occurred_at).where(log.store_id == store_id)
    began = perf_counter()
    async with database.write() as tx:
        await plan_for_sets(tx)
        await facts.recount_ids(tx, store_id, (await tx.execute(everyone)).scalars())
    print(f"  facts and favourites in {perf_counter() - began:.1f} s", flush=True)
    began = perf_counter()
    async with database.write() as tx:
        await plan_for_sets(tx)
        await event_log.add_to_counters(tx, store_id, happened)
    print(f"  tallies in {perf_counter() - began:.1f} s", flush=True)


_PG_INDEXES = """
SELECT CASE WHEN c.conname IS NULL THEN 'DROP INDEX ' || i.indexrelid::regclass
            ELSE format('ALTER TABLE %s DROP CONSTRAINT %s', i.indrelid::regclass, c.conname) END,
       CASE WHEN c.conname IS NULL THEN pg_get_indexdef(i.indexrelid)
            ELSE format('ALTER TABLE %s ADD CONSTRAINT %s %s', i.indrelid::regclass, c.conname,
                        pg_get_constraintdef(c.oid)) END
FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u')
WHERE i.indrelid = ANY (ARRAY[{tables}]::regclass[]) ORDER BY c.conname IS NULL
"""
_SQLITE_INDEXES = "SELECT 'DROP INDEX ' || name, sql FROM sqlite_master WHERE tbl_name IN ({tables}) AND type = 'index'"


async def _drop_indexes(database: Database) -> list[str]:
    """Drops the indexes of the tables that are filled, and gives what makes them again."""
    which = _PG_INDEXES if database.dialect == "postgresql" else _SQLITE_INDEXES + " AND sql IS NOT NULL"
    statement = which.format(tables=", ".join(f"'{name}'" for name in FILLED))
    async with database.write() as tx:
        found: Sequence[AnyRow] = (await tx.connection.exec_driver_sql(statement)).all()
        for row in found:
            await tx.connection.exec_driver_sql(row[0])
    return [row[1] for row in found]
