"""Row security: whatever a statement says, a request sees and changes one store, and leaves nothing behind (S1)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import Table, delete, func, insert, make_url, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.customers.tables import customers
from domain.kit.db import Database, Transaction
from domain.kit.db.faults import is_denied, is_unavailable
from domain.kit.db.portable import refresh_statistics
from domain.migrations.request_role import EXCEPTIONS, rights, tables_of_stores
from domain.migrations.tables import metadata
from domain.stores.tables import stores
from tests.factories import add_store
from tests.journeys.processes import customer
from tests.test_migrations import sample

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

OURS, THEIRS = 1, 2
DIALECT = make_url("postgresql+asyncpg://").get_dialect()()
POLICIES = """
SELECT relname, relrowsecurity, polname, polcmd, polpermissive, polroles,
    pg_get_expr(polqual, polrelid) AS using, polwithcheck IS NULL AS checks_the_same
FROM pg_class LEFT JOIN pg_policy ON polrelid = pg_class.oid
WHERE relkind = 'r' AND relnamespace = CAST('public' AS regnamespace) AND relname <> 'alembic_version'
"""
STATE = "SELECT current_user = session_user, current_setting('role'), current_setting('muster.store_id', true)"


both = pytest.mark.parametrize("pooler", [False, True], ids=["direct", "pooler"])


@pytest.fixture
def pooler() -> bool:
    return False


@pytest.fixture
async def guarded(database_url: str, pooler: bool) -> AsyncIterator[Database]:
    """A database with one connection: whoever uses it next gets the one that was used before."""
    opened = Database(database_url, pool_size=1, row_security=True, pooler=pooler)
    yield opened
    await opened.close()


@pytest.fixture
async def filled(guarded: Database) -> Database:
    """A row of each of two stores in every table."""
    async with guarded.write() as tx:
        for store_id in (OURS, THEIRS):
            for table in metadata.sorted_tables:
                if table.name in tables_of_stores():
                    await tx.execute(insert(table), row(table, store_id))
    return guarded


def row(table: Table, store_id: int) -> dict[str, object]:
    key = "id" if table is stores else "store_id"
    return {column.name: sample(plain(column.type)) for column in table.columns} | {key: store_id}


def plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return kind.load_dialect_impl(DIALECT) if isinstance(kind, TypeDecorator) else kind


def store_column(table: Table) -> Any:
    return table.c.id if table is stores else table.c.store_id


async def stores_seen(tx: Transaction, table: Table) -> set[int]:
    rows = await tx.execute(text(f"SELECT * FROM {table.name}"))
    return {seen[store_column(table).name] for seen in rows.mappings()}


async def state(database: Database) -> tuple[object, ...]:
    """Whose the connection is, and what is set on it."""
    async with database.read() as tx:
        found = tuple((await tx.execute(text(STATE))).one())
        return *found[:2], found[2] or None


CLEAN = (True, "none", None)


async def test_every_table_has_the_policy_and_no_other(database: Database) -> None:
    """Made from the tables that the code declares: a migration that forgets one fails here."""
    async with database.read() as tx:
        policies = {found.relname: found for found in await tx.execute(text(POLICIES))}
    of_stores = set(tables_of_stores())
    assert of_stores <= policies.keys() == metadata.tables.keys()
    assert [name for name, found in policies.items() if found.relrowsecurity and name not in of_stores] == []
    for name in of_stores:
        found = policies[name]
        column = "id" if name == "stores" else "store_id"
        assert column in metadata.tables[name].c
        assert (found.relrowsecurity, found.polname, found.polcmd) == (True, "of_store", b"*"), name
        # Of everybody, and the same for rows that are read and rows that are written.
        assert (found.polpermissive, found.polroles, found.checks_the_same) == (True, [0], True), name
        assert found.using.startswith(f"({column} = ( SELECT (NULLIF(current_setting('muster.store_id'"), name


async def test_the_role_owns_nothing_and_has_its_rights_alone(database: Database) -> None:
    async with database.read() as tx:
        role = (await tx.execute(text("SELECT * FROM pg_roles WHERE rolname = session_user || '_request'"))).one()
        owned = await tx.scalar(text("SELECT count(*) FROM pg_class WHERE relowner = :role"), {"role": role.oid})
        rows = await tx.execute(
            text("SELECT relname, (aclexplode(relacl)).* FROM pg_class WHERE relkind = 'r' AND relacl IS NOT NULL")
        )
        granted: dict[str, set[str]] = {}
        for acl in rows:
            if acl.grantee == role.oid:
                granted.setdefault(acl.relname, set()).add(acl.privilege_type)
    assert not any((role.rolsuper, role.rolbypassrls, role.rolcanlogin, role.rolcreaterole, role.rolcreatedb, owned))
    # A right to one column is no right to the table.
    of_tables = {name: {right for right in rights(name).split(", ") if "(" not in right} for name in metadata.tables}
    assert granted == of_tables
    # An exception is of a table that is there: what is append-only stays so.
    assert EXCEPTIONS.keys() <= metadata.tables.keys()


@both
async def test_statements_without_a_where_see_one_store(filled: Database) -> None:
    for open_transaction in (filled.of_store(OURS).read, filled.of_store(OURS).write):
        async with open_transaction() as tx:
            seen = {name: await stores_seen(tx, metadata.tables[name]) for name in tables_of_stores()}
        assert seen == {name: {OURS} for name in tables_of_stores()}
    # Workers, commands and the lookup of tokens use the plain database.
    async with filled.read() as tx:
        assert await stores_seen(tx, customers) == {OURS, THEIRS}


async def test_without_a_store_there_are_no_rows(filled: Database) -> None:
    async with filled.write() as tx:
        await tx.execute(text("SET LOCAL ROLE postgres_request"))
        assert await stores_seen(tx, customers) == set()
        await tx.execute(text("SET LOCAL muster.store_id = ''"))
        assert await stores_seen(tx, customers) == set()


async def test_rows_of_another_store_are_not_written(filled: Database) -> None:
    for name in sorted(metadata.tables.keys() - EXCEPTIONS.keys()):
        table = metadata.tables[name]
        for statement in (insert(table).values(row(table, THEIRS)), update(table).values(store_id=THEIRS)):
            with pytest.raises(DBAPIError) as refused:
                async with filled.of_store(OURS).write() as tx:
                    await tx.execute(statement)
            assert is_denied(refused.value), name
            assert "row-level security" in str(refused.value)
        of_theirs = table.c.store_id == THEIRS
        async with filled.of_store(OURS).write() as tx:
            assert (await tx.execute(update(table).where(of_theirs).values(store_id=OURS))).rowcount == 0
            assert (await tx.execute(delete(table).where(of_theirs))).rowcount == 0
        async with filled.read() as tx:
            assert await stores_seen(tx, table) == {OURS, THEIRS}


async def test_requests_neither_create_nor_delete_a_store(filled: Database) -> None:
    for statement in (insert(stores).values(row(stores, 3)), delete(stores)):
        with pytest.raises(DBAPIError) as refused:
            async with filled.of_store(OURS).write() as tx:
                await tx.execute(statement)
        assert is_denied(refused.value)
        assert not is_unavailable(refused.value)


@both
async def test_a_transaction_leaves_neither_role_nor_store(filled: Database) -> None:
    view = filled.of_store(OURS)

    async def read() -> None:
        async with view.read() as tx:
            assert await tx.scalar(text("SELECT current_setting('muster.store_id')")) == str(OURS)

    async def commit() -> None:
        async with view.write() as tx:
            await tx.execute(update(customers).values(name="x"))

    async def roll_back() -> None:
        async with view.write() as tx:
            await tx.execute(update(customers).values(name="y"))
            raise ValueError

    async def break_down() -> None:
        async with view.read() as tx:
            await tx.execute(text("SELECT 1 / 0"))

    async def go_on_after_a_fault() -> None:
        async with view.write() as tx:
            with suppress(DBAPIError):
                await tx.execute(text("SELECT 1 / 0"))
            await tx.execute(text("SELECT 1"))

    async def lose_the_connection() -> None:
        async with view.write() as tx:
            await tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    async def do_nothing() -> None:
        async with view.write():
            pass

    for use in (read, commit, roll_back, break_down, go_on_after_a_fault, lose_the_connection, do_nothing):
        with suppress(ValueError, DBAPIError):
            await use()
        assert await state(filled) == CLEAN, use
    async with filled.read() as tx:
        assert set((await tx.execute(select(customers.c.name).order_by(customers.c.store_id))).scalars()) == {"x", "1"}


@both
@pytest.mark.parametrize("opening", ["read", "write"])
async def test_a_cancelled_request_leaves_neither_role_nor_store(guarded: Database, opening: str) -> None:
    """At whatever moment: while the transaction begins, within a statement, while it ends."""
    view = guarded.of_store(OURS)

    async def use() -> None:
        async with view.read() if opening == "read" else view.write() as tx:
            await tx.execute(text("SELECT pg_sleep(0.001)"))

    async def cancel(after: Callable[[], Awaitable[object]]) -> None:
        task = asyncio.create_task(use())
        await after()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert await state(guarded) == CLEAN

    async def turns(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)

    await use()
    began = monotonic()
    await use()
    seconds = monotonic() - began
    for number in range(30):
        await cancel(partial(turns, number))
    for number in range(20):
        await cancel(partial(asyncio.sleep, seconds * number / 15))


async def test_requests_of_two_stores_beside_each_other(database_url: str) -> None:
    database = Database(database_url, pool_size=3, row_security=True)
    async with database.write() as tx:
        store_ids = [await add_store(tx) for _ in range(2)]
        for store_id in store_ids:
            await tx.execute(insert(customers), [customer(store_id, number) for number in range(store_id % 7 + 1)])

    async def count(store_id: int) -> set[tuple[int, int]]:
        async with database.of_store(store_id).read() as tx:
            seen = {(store_id, seen_id) for seen_id in await stores_seen(tx, customers)}
            await asyncio.sleep(0)
            return seen | {(store_id, seen_id) for seen_id in await stores_seen(tx, customers)}

    async def look() -> set[int]:
        async with database.read() as tx:
            return await stores_seen(tx, customers)

    for _ in range(5):
        requests = [count(store_id) for store_id in store_ids * 4]
        answers, everything = await asyncio.gather(asyncio.gather(*requests), look())
        assert set[tuple[int, int]]().union(*answers) == {(store_id, store_id) for store_id in store_ids}
        assert everything == set(store_ids)
    await database.close()


@both
async def test_a_lost_connection_is_replaced_by_one_with_role_and_store(filled: Database, database: Database) -> None:
    for open_transaction in (filled.of_store(OURS).read, filled.of_store(OURS).write):
        async with filled.read() as tx:
            pid = await tx.scalar(text("SELECT pg_backend_pid()"))
        async with database.read() as tx:
            assert await tx.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        async with open_transaction() as tx:
            assert await stores_seen(tx, customers) == {OURS}


async def test_statistics_are_counted_by_the_owner_and_the_role_comes_back(filled: Database) -> None:
    async with filled.of_store(OURS).write() as tx:
        await tx.execute(insert(customers), [customer(OURS, number) for number in range(10, 60)])
        await refresh_statistics(tx, customers, stores)
        counted = await tx.scalar(text("SELECT reltuples FROM pg_class WHERE oid = CAST('customers' AS regclass)"))
        assert counted == 52
        assert await stores_seen(tx, customers) == {OURS}
    async with filled.write() as tx:
        await refresh_statistics(tx, customers)
        assert await tx.scalar(select(func.count()).select_from(customers)) == 52


async def test_the_policy_is_evaluated_once_a_statement(filled: Database) -> None:
    async with filled.of_store(OURS).write() as tx:
        await tx.execute(insert(customers), [customer(OURS, number) for number in range(10, 5_010)])
        plan = "\n".join((await tx.execute(text("EXPLAIN SELECT * FROM customers WHERE name = 'x'"))).scalars())
    assert "InitPlan" in plan
    assert plan.count("current_setting") == 0
