"""Orders that are new are the same whether their rows are written straight or by way of staging."""

import pytest
from sqlalchemy import Table, func, select

from domain.customers.key import CustomerKey
from domain.customers.model import CustomerChange
from domain.customers.tables import customer_facts
from domain.customers.upsert import upsert_many
from domain.imports.model import ImportKind
from domain.imports.orders import scattered
from domain.imports.orders.format import OrderFormat
from domain.ingestion import track
from domain.ingestion.model import TrackedEvent
from domain.kit.db import Database
from domain.operations.model import Problem
from domain.orders.tables import customer_favourites, order_customers, order_item_facets, order_items, orders
from tests.domain.imports.files import bring_in, problems_of
from tests.factories import NOW, add_store

FILE = """\
order_id,customer_external_id,customer_email,placed_at,status,payment_status,delivery_status,total,currency,coupon,\
source,campaign,product,name,category,brand,department,variant,quantity,price,tags
o1,a,,2026-01-02T03:04:05Z,Completed,,shipped,,,MAY,pos,spring,p1,"Tea, green",tea,x,food,large,2,3.5,new;green
o1,a,,2026-01-02T03:04:05Z,,,,,,,,,p2,Pot,pots,y,home,,1,20,
o2,,b@shop.example,2026-01-03T00:00:00+08:00,,paid,,99.99,,,,,p1,,tea,,,,,,
o3,a,,2026-01-04T00:00:00Z,frobbed,,,7,,,,,,,,,,,,,
o4,a,,2026-01-05T00:00:00Z,,frobbed,,7,,,,,p3,,,,,,1,7,
o5,b,,2026-01-06T00:00:00Z,completed,refunded,,8,,,,,p3,,,,,,1,8,
o6,b,,2026-01-07T00:00:00Z,,,,,TWD,,,,p4,,tea,,,,3,100,
o7,b,,2026-01-08T00:00:00Z,,,,,,,,,p4,,tea,,,,-1,100,
o8,b,,2999-01-09T00:00:00Z,,,,,,,,,p5,,tea,,,,0.5,3.3333,
o9,nobody,,2026-01-09T00:00:00Z,,,,1,,,,,,,,,,,,,
o10,a,,,,,,1,,,,,,,,,,,,,
o11,a,,2026-01-09T00:00:00Z,,,,10,,,,,p5,,tea,,,,1,10,
known,a,,2026-01-10T00:00:00Z,,,,3,,,,,,,,,,,,,
o1,a,,2026-01-02T03:04:05Z,,,delivered,,,,,,p1,,tea,x,food,small,1,3.5,
,a,,2026-01-02T03:04:05Z,,,delivered,,,,,,p1,,tea,x,food,small,1,3.5,
"""
TABLES = (orders, order_customers, order_items, order_item_facets, customer_facts, customer_favourites)


async def test_both_ways_make_the_same_rows(database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with database.write() as tx:
        staged_store_id = await add_store(tx)
        for store in (store_id, staged_store_id):
            people = [CustomerChange(external_id=key, email=f"{key}@shop.example") for key in ("a", "b")]
            await upsert_many(tx, store, people, NOW)
            key = CustomerKey(external_id="a")
            known = TrackedEvent("known", "order", key, NOW, {"total": 1, "coupon": "APRIL"})
            # What was refunded before it came.
            refund = TrackedEvent("r1", "order.refunded", key, NOW, {"order": "o11", "amount": 4})
            await track.track(tx, store, [known, refund], NOW)
    written = await _problems(database, store_id)
    monkeypatch.setattr(OrderFormat, "direct", None)
    assert written == await _problems(database, staged_store_id)
    for table in TABLES:
        rows = await _rows(database, table, store_id)
        assert rows == await _rows(database, table, staged_store_id)
        assert rows
    assert [(problem.row, problem.column) for problem in written] == [
        (16, "order_id"), (11, "customer_external_id"), (12, "placed_at"), (5, "status"), (8, "currency"),
    ]  # fmt: skip


async def test_a_file_whose_orders_are_mostly_scattered_is_staged(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.write() as tx:
        await upsert_many(tx, store_id, [CustomerChange(external_id=key) for key in ("a", "b")], NOW)
    monkeypatch.setattr(scattered, "_MOST", -1)
    await bring_in(database, store_id, ImportKind.ORDERS, FILE.encode())
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(orders)) == 9


async def _problems(database: Database, store_id: int) -> list[Problem]:
    done = await bring_in(database, store_id, ImportKind.ORDERS, FILE.encode())
    assert (done.status, done.done) == ("DONE", 15)
    return [
        Problem(problem.row, problem.message, None, problem.column) for problem in await problems_of(database, done)
    ]


async def _rows(database: Database, table: Table, store_id: int) -> list[tuple[object, ...]]:
    async with database.read() as tx:
        rows = select(*(column for column in table.c if column.name != "store_id")).where(table.c.store_id == store_id)
        return sorted((tuple(row) for row in await tx.execute(rows)), key=str)
