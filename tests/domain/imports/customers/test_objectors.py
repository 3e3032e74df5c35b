"""Objections of a file are added behind all that locks rows of customers (P27)."""

import re
from typing import Any

import pytest
from sqlalchemy import event, select

from domain.customers.tables import objections
from domain.imports.model import ImportKind
from domain.kit.db import Database
from tests.domain.imports.files import bring_in

# One who is new objects; of the two who are known, one is named a second time in another turn of the rows.
KNOWN = "external_id,email,phone\na,a@shop.example,\nb,b@shop.example,+886912345678\n"
FILE = (
    "external_id,email,phone,name,consent.email{more}\n"
    "new,new@shop.example,,New,UNSUBSCRIBED{last}\n"
    "a,a@shop.example,,Ann,UNSUBSCRIBED{last}\n"
    ",b@shop.example,,Bert,{last}\n"
    ",,+886912345678,Bertram,{last}\n"
)


# A property of which no type is known has the file staged first.
@pytest.mark.parametrize(("more", "last"), [("", ""), (",property.size", ",1")])
async def test_no_row_is_locked_once_an_intent_may_wait(
    database: Database, store_id: int, more: str, last: str
) -> None:
    """An intent that has locked a customer waits for objections: an import must not wait for that customer then."""
    await bring_in(database, store_id, ImportKind.CUSTOMERS, KNOWN.encode())
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    def end(_connection: Any) -> None:
        statements.append("COMMIT")

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    event.listen(engine, "commit", end)
    await bring_in(database, store_id, ImportKind.CUSTOMERS, FILE.format(more=more, last=last).encode())
    event.remove(engine, "before_cursor_execute", note)
    event.remove(engine, "commit", end)
    async with database.read() as tx:
        addresses = select(objections.c.address).where(objections.c.store_id == store_id)
        assert set((await tx.execute(addresses)).scalars()) == {"a@shop.example", "new@shop.example"}
    added = [at for at, statement in enumerate(statements) if statement.startswith("INSERT INTO objections")]
    assert added
    locks = re.compile(r"UPDATE customers\b|.*FOR (NO KEY )?UPDATE", re.DOTALL)
    for at in added:
        rest = statements[at : statements.index("COMMIT", at)]
        assert [statement for statement in rest if locks.match(statement)] == []
