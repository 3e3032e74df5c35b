"""The database itself keeps the audit log as it is, for as long as the store says (S11)."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from domain.audit import actions, queries
from domain.audit.model import Actor, ActorKind, AuditEntry
from domain.audit.tables import audit_entries
from domain.kit import ids
from domain.kit.db import Database, Transaction
from domain.stores.tables import stores
from tests.factories import add_store

TILL = Actor(ActorKind.COMMAND_LINE, "ann")
# Of the trigger, by the database's own clock: no clock of the product decides it.
TODAY = datetime.now(UTC)


async def add_old(tx: Transaction, store_id: int, days: float) -> None:
    row = {"store_id": store_id, "id": ids.new(), "actor": "COMMAND_LINE", "action": "old", "outcome": "DONE"}
    await tx.execute(insert(audit_entries).values(row | {"at": TODAY - timedelta(days=days)}))


async def count(tx: Transaction, store_id: int) -> int:
    statement = select(func.count()).select_from(audit_entries).where(audit_entries.c.store_id == store_id)
    number: int = await tx.scalar(statement)
    return number


STATEMENTS = {
    "change": update(audit_entries).values(action="nothing"),
    "delete": delete(audit_entries),
    "rewrite": text("UPDATE audit_entries SET at = at"),
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
async def test_no_entry_is_changed_or_deleted(database: Database, store_id: int, statement: object) -> None:
    async with database.write() as tx:
        await queries.record(tx, store_id, AuditEntry(TILL, "storeCreate"))
    with pytest.raises(DBAPIError, match="an entry is not changed"):
        async with database.write() as tx:
            await tx.execute(statement)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async with database.read() as tx:
        assert list((await tx.execute(select(audit_entries.c.action))).scalars()) == ["storeCreate"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_the_log_is_not_emptied(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await add_old(tx, store_id, 5_000)
    with pytest.raises(DBAPIError, match="an entry is not changed"):
        async with database.write() as tx:
            await tx.execute(text("TRUNCATE audit_entries"))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_temporary_table_of_stores_shortens_no_time(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await queries.record(tx, store_id, AuditEntry(TILL, "storeCreate"))

    async def shorten() -> None:
        async with database.write() as tx:
            await tx.execute(text("CREATE TEMPORARY TABLE stores (id integer, audit_days integer) ON COMMIT DROP"))
            await tx.execute(text("INSERT INTO pg_temp.stores VALUES (:store, -10)"), {"store": store_id})
            await tx.execute(text("DELETE FROM audit_entries"))

    with pytest.raises(DBAPIError, match="an entry is not changed"):
        await shorten()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_entry_is_not_replaced(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await queries.record(tx, store_id, AuditEntry(TILL, "storeCreate"))
    with pytest.raises(DBAPIError, match="an entry is not changed"):
        async with database.write() as tx:
            await tx.execute(text("REPLACE INTO audit_entries SELECT * FROM audit_entries"))


async def test_entries_are_deleted_once_their_store_keeps_them_no_longer(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        short = await add_store(tx, audit_days=30)
        for store in (store_id, short):
            await tx.execute(update(stores).where(stores.c.id == store).values(name="x"))
            for days in (0, 29.9, 30.1, 364.9, 365.1):
                await add_old(tx, store, days)
        assert await queries.stores_with_expired(tx) == sorted([store_id, short])
    with pytest.raises(DBAPIError):
        async with database.write() as tx:
            await tx.execute(delete(audit_entries).where(audit_entries.c.at < TODAY - timedelta(days=30)))
    await actions.delete_expired(database)
    async with database.write() as tx:
        assert (await count(tx, store_id), await count(tx, short)) == (4, 2)
        assert await queries.stores_with_expired(tx) == []
    await actions.delete_expired(database)
    async with database.read() as tx:
        assert (await count(tx, store_id), await count(tx, short)) == (4, 2)


async def test_they_are_deleted_in_portions_the_oldest_first(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        for days in (400, 500, 600):
            await add_old(tx, store_id, days)
        assert await queries.delete_expired(tx, store_id, 2) == 2
        [left] = (await tx.execute(select(audit_entries.c.at))).scalars()
        assert left == TODAY - timedelta(days=400)
        assert await queries.delete_expired(tx, store_id, 2) == 1
        assert await queries.delete_expired(tx, store_id, 2) == 0
