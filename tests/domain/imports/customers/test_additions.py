"""Customers who are new are the same whether their rows are written straight or by way of staging."""

import pytest
from sqlalchemy import Table, select

from domain.customers import actions
from domain.customers.tables import contacts, customer_facts, customer_properties, customer_tags, customers
from domain.imports.customers.format import CustomerFormat
from domain.imports.model import ImportKind
from domain.kit.db import Database
from domain.kit.values import ValueType
from tests.domain.imports.files import bring_in
from tests.factories import NOW, add_store

COLUMNS = (
    "external_id,name,email,phone,birthday,member,source,last_login_at,tags,property.size,property.vip,consent.email,"
    "contact.email,contact.line\n"
)
FILE = f"""{COLUMNS}\
a,Ännchen,a@shop.example,+886912000111,1990-02-03,true,pos,2026-01-02T03:04:05Z,VIP;new,40.5,true,,a@shop.example,
b,,b@shop.example,,,,,,,,,UNSUBSCRIBED,other@shop.example,U1
,"Quoted ""Name"", and more",,+886912000222,,,,,x,,false,NOT_SUBSCRIBED,,
a,Again,,,,,,,,41,,UNSUBSCRIBED,,
"""
TABLES = (customers, customer_facts, customer_tags, customer_properties, contacts)


async def test_both_ways_make_the_same_rows(database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with database.write() as tx:
        staged_store_id = await add_store(tx)
        for store in (store_id, staged_store_id):
            await actions.define(tx, store, "size", "Size", ValueType.NUMBER, NOW)
            await actions.define(tx, store, "vip", "VIP", ValueType.BOOLEAN, NOW)
    await bring_in(database, store_id, ImportKind.CUSTOMERS, FILE.encode())
    # Of the files that are staged, none has the same columns as one that is not.
    monkeypatch.setattr(CustomerFormat, "direct", None)
    await bring_in(database, staged_store_id, ImportKind.CUSTOMERS, FILE.encode())
    for table in TABLES:
        written = await _rows(database, table, store_id)
        assert written == await _rows(database, table, staged_store_id)
        assert written


async def _rows(database: Database, table: Table, store_id: int) -> list[tuple[object, ...]]:
    async with database.read() as tx:
        rows = select(*(column for column in table.c if column.name != "store_id")).where(table.c.store_id == store_id)
        return sorted((tuple(row) for row in await tx.execute(rows)), key=str)
