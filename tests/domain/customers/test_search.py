# ruff: noqa: RUF001 - letters that look alike are what this is about
"""The texts that find a customer, and the indexes by which a database finds it."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text

from api.graphql.customers.pages import ordering
from domain.customers import queries, search, writes
from domain.customers.model import CustomerChange, CustomerOrder, folded_name
from domain.customers.tables import customer_facts, customers
from domain.customers.upsert import upsert_many
from domain.kit.db import Database, Transaction
from tests.factories import NOW
from tests.journeys.processes import customer

MANY = 20_000
PEOPLE = [
    CustomerChange(external_id="s1", name="王小明", phone="+886912345678", email="ming@mail.example"),
    CustomerChange(external_id="s2", name="Ångström", email="anna@straße.example"),
    CustomerChange(external_id="s3", name="apple", phone="+4512345678"),
    CustomerChange(external_id="zed", name="Straße 7", email="100%_@mail.example"),
    CustomerChange(external_id="s5", name="Zed", email="xming@mail.example", phone="+88691234567"),
    CustomerChange(external_id="s6", email="nameless@mail.example"),
]
ONE = CustomerChange(external_id="one1", email="one@shop.example", phone="+886912345678")


async def found(tx: Transaction, store_id: int, words: str) -> list[str]:
    condition = await search.found_by(tx, store_id, words)
    listed = queries.listing(store_id).order_by(customers.c.id)
    rows = await tx.execute(listed if condition is None else listed.where(condition))
    return [str(row.external_id) for row in rows]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("+886912345678", ["s1"]),
        ("0912345678", ["s1"]),
        ("0912-345-678", ["s1"]),
        ("+886 912 345 678", ["s1"]),
        ("+886 (0)912-345-678", ["s1"]),
        ("00886912345678", ["s1"]),
        ("886912345678", ["s1"]),
        ("０９１２ ３４５ ６７８", ["s1"]),
        ("12 34 56 78", ["s3"]),
        # Parts of numbers.
        ("0912345", ["s1", "s5"]),
        ("345-678", ["s1", "s3"]),
        ("91", []),
        ("小明", ["s1"]),
        ("ångström", ["s2"]),
        ("ANGSTR", ["s2"]),
        ("strasse", ["zed"]),
        ("STRAẞE", ["s2", "zed"]),
        # An address as a whole, or a part of several.
        ("Ming@Mail.example", ["s1"]),
        ("ming@", ["s1", "s5"]),
        ("mail.example", ["s1", "zed", "s5", "s6"]),
        ("100%", ["zed"]),
        ("%_", ["zed"]),
        # An id as a whole: one that is a word may be a name too.
        ("s3", ["s3"]),
        ("s", ["s2", "zed", "s6"]),
        ("Zed", ["s5"]),
        ("zed", ["zed", "s5"]),
        ("\u200b", []),
        ("  ", ["s1", "s2", "s3", "zed", "s5", "s6"]),
        ("+", []),
        ("\U0010ffff", ["s6"]),
    ],
)
async def test_texts_find_customers(database: Database, store_id: int, words: str, expected: Sequence[str]) -> None:
    async with database.write() as tx:
        await upsert_many(tx, store_id, PEOPLE, NOW)
        assert await found(tx, store_id, words) == expected


@pytest.fixture
async def crowd(database: Database, store_id: int) -> AsyncIterator[Database]:
    """A store of many, as a request sees it, in young tables: the database has counted nothing of them yet."""
    tables = (customers.name, customer_facts.name)
    is_postgresql = database.dialect == "postgresql"
    async with database.write() as tx:
        for table in tables if is_postgresql else ():
            await tx.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))
            # What another test's rows have left.
            await tx.execute(text(f"DELETE FROM pg_statistic WHERE starelid = CAST('{table}' AS regclass)"))
            young = "UPDATE pg_class SET relpages = 0, reltuples = -1"
            await tx.execute(text(f"{young} WHERE oid = CAST('{table}' AS regclass)"))
        await writes.take_numbers(tx, store_id, MANY)
        names = [f"name {number % 500}" for number in range(MANY)]
        rows = [
            customer(store_id, number) | {"name": name, "folded_name": name} for number, name in enumerate(names, 1)
        ]
        await tx.execute(insert(customers), rows)
        facts = {"store_id": store_id, "order_count": 0, "total_spent": 0}
        await tx.execute(insert(customer_facts), [facts | {"customer_id": number} for number in range(1, MANY + 1)])
        await upsert_many(tx, store_id, [ONE], NOW)
    guarded = Database(database.url, row_security=is_postgresql)
    yield guarded.of_store(store_id)
    await guarded.close()
    async with database.write() as tx:
        for table in tables if is_postgresql else ():
            await tx.execute(text(f"ALTER TABLE {table} RESET (autovacuum_enabled)"))


async def plans_of(tx: Transaction, read: Callable[[], Awaitable[object]]) -> list[str]:
    """Return the plan of each statement that is read by."""
    executed: list[tuple[str, Any]] = []

    def append(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        executed.append((statement, parameters))

    engine = tx.connection.engine.sync_engine
    event.listen(engine, "before_cursor_execute", append)
    await read()
    event.remove(engine, "before_cursor_execute", append)
    explain = "EXPLAIN" if tx.dialect == "postgresql" else "EXPLAIN QUERY PLAN"
    plans: list[str] = []
    for statement, parameters in executed:
        steps = await tx.connection.exec_driver_sql(f"{explain} {statement}", parameters)
        plans.append("\n".join(str(step[-1]) for step in steps))
    return plans


async def test_pages_in_the_order_of_names_are_ranges_of_an_index(
    database: Database, crowd: Database, store_id: int
) -> None:
    if database.dialect == "postgresql":
        # Of a store that it takes for a single row, PostgreSQL may as well sort that.
        async with database.write() as tx:
            await tx.execute(text("ANALYZE customers, customer_facts"))
    listed = queries.listing(store_id)
    for order, reverse in product((CustomerOrder.NAME_ASC, CustomerOrder.NAME_DESC), (False, True)):
        names = ordering(order)
        behind = listed.where(names.past(("name 250", 10_000), reverse=reverse))
        for rows, keys in ((listed, ["store_id"]), (behind, ["store_id", "folded_name"])):
            page = names.apply(rows, reverse=reverse).limit(51)
            async with crowd.read() as tx:
                [plan] = await plans_of(tx, partial(tx.execute, page))
            assert not re.search("Seq Scan|Sort|SCAN|TEMP B-TREE", plan), plan
            [bounds] = re.findall(r".* ix_customers_folded_name .*(?:\n.*Index Cond.*)?", plan)
            assert all(key in bounds for key in keys), plan


@pytest.mark.slow
async def test_whoever_is_known_as_a_whole_is_found_by_indexes(crowd: Database, store_id: int) -> None:
    newest = ordering(CustomerOrder.CREATED_AT_DESC)

    async def read(tx: Transaction, words: str) -> None:
        condition = await search.found_by(tx, store_id, words)
        assert condition is not None
        page = newest.apply(queries.listing(store_id).where(condition)).limit(51)
        assert [row.external_id for row in await tx.execute(page)] == ["one1"]

    indexes = ["external_id", "email", "phone"]
    for words, looked_at in (("0912345678", indexes), ("one@shop.example", indexes[:2]), ("one1", indexes[:2])):
        async with crowd.read() as tx:
            *found_plans, page_plan = await plans_of(tx, partial(read, tx, words))
        found_plan = "\n".join(found_plans)
        assert all(f"ix_customers_{name}" in found_plan for name in looked_at), found_plan
        assert "pk_customers" in page_plan or "(store_id=? AND id=?)" in page_plan, page_plan
        assert not re.search("Seq Scan|SCAN customers|pk_customers", found_plan), found_plan
        assert not re.search("Seq Scan|SCAN customers", page_plan), page_plan


async def test_folded_names_are_those_of_the_names(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await upsert_many(tx, store_id, PEOPLE, NOW)
        await upsert_many(tx, store_id, [CustomerChange(external_id="s1", name="ＡＮＮ")], NOW)
        await upsert_many(tx, store_id, [CustomerChange(external_id="s2", name=None)], NOW)
        rows = await tx.execute(select(customers.c.name, customers.c.folded_name).order_by(customers.c.id))
        names = [(row.name, row.folded_name) for row in rows]
    assert names == [(name, folded_name(name)) for name, _ in names]
    assert names[0] == ("ＡＮＮ", "ann")
