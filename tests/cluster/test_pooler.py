"""PgBouncer in transaction mode: each transaction may come to another connection, and finds it as it should be."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

from sqlalchemy import select, text

from domain.kit.db import JOBS, REQUESTS, Database
from domain.migrations import is_current, migrate
from domain.segments.evaluation.deadline import reading
from domain.stores.tables import stores
from tests.cluster import programs
from tests.cluster.pgbouncer import IGNORED, pgbouncer
from tests.cluster.postgres import Server
from tests.factories import add_store

TRANSACTIONS = 80


async def all_of(database: Database) -> Counter[str]:
    """Do transactions beside each other, of several statements each; count how they ended."""

    async def do(number: int) -> str:
        open_transaction = database.write if number % 2 else database.read
        try:
            async with open_transaction() as tx:
                for step in range(4):
                    statement = text(f"SELECT CAST(:n AS integer) * {step} AS answer").bindparams(n=number)
                    if await tx.scalar(statement) != number * step:
                        return "wrong answer"
                    await asyncio.sleep(0.002)
        except Exception as error:  # noqa: BLE001 - the pooler's clients see all kinds
            return type(error).__name__
        return "done"

    return Counter(await asyncio.gather(*(do(number) for number in range(TRANSACTIONS))))


async def test_every_transaction_gets_its_answers(postgres_server: Server, folder: Path) -> None:
    programs.require("pgbouncer")
    with pgbouncer(postgres_server, folder) as url:
        databases = [Database(url, pool_size=10, pooler=True) for _ in range(3)]
        outcomes = await asyncio.gather(*(all_of(database) for database in databases))
        assert outcomes == [Counter(done=TRANSACTIONS)] * 3
        for database in databases:
            await database.close()


async def test_without_the_setting_transactions_fail(postgres_server: Server, folder: Path) -> None:
    """The reason for the setting, and the proof that the test above can fail."""
    programs.require("pgbouncer")
    with pgbouncer(postgres_server, folder, ignored=IGNORED) as url:
        databases = [Database(url, pool_size=10) for _ in range(3)]
        outcomes = await asyncio.gather(*(all_of(database) for database in databases))
        assert sum(outcome["done"] for outcome in outcomes) < 3 * TRANSACTIONS
        for database in databases:
            await database.close()


async def test_each_transaction_has_its_own_settings(postgres_server: Server, folder: Path) -> None:
    programs.require("pgbouncer")
    names = ("jit", "statement_timeout", "idle_in_transaction_session_timeout")
    with pgbouncer(postgres_server, folder, connections=1) as url:
        async with AsyncExitStack() as stack:
            values: list[list[str]] = []
            for limits in (JOBS, REQUESTS):
                database = Database(url, limits=limits, pooler=True)
                stack.push_async_callback(database.close)
                for open_transaction in (database.write, database.read):
                    async with open_transaction() as tx:
                        values.append([await tx.scalar(text(f"SHOW {name}")) for name in names])
    assert values == [["off", "5min", "20s"]] * 2 + [["off", "10s", "20s"]] * 2


async def test_a_database_is_migrated_through_a_pooler(postgres_server: Server, folder: Path) -> None:
    programs.require("pgbouncer")
    postgres_server.psql("DROP SCHEMA public CASCADE")
    postgres_server.psql("CREATE SCHEMA public")
    with pgbouncer(postgres_server, folder) as url:
        database = Database(url, pooler=True)
        await migrate(database)
        assert await is_current(database)
        await database.close()


async def test_with_row_security_each_request_sees_its_store_and_no_other_transaction_does(
    postgres_server: Server, folder: Path
) -> None:
    programs.require("pgbouncer")
    postgres_server.psql("DROP SCHEMA public CASCADE")
    postgres_server.psql("CREATE SCHEMA public")
    with pgbouncer(postgres_server, folder) as url:
        database = Database(url, pool_size=10, pooler=True, row_security=True)
        await migrate(database)
        async with database.write() as tx:
            store_ids = {await add_store(tx) for _ in range(3)}

        async def seen(view: Database) -> set[int]:
            async with view.read() as tx:
                first = set((await tx.execute(select(stores.c.id))).scalars())
                await asyncio.sleep(0.002)
                assert set((await tx.execute(select(stores.c.id))).scalars()) == first
                return first

        views = {store_id: database.of_store(store_id) for store_id in store_ids}
        for _ in range(10):
            *answers, everything = await asyncio.gather(*(seen(view) for view in views.values()), seen(database))
            assert answers == [{store_id} for store_id in views]
            assert everything == store_ids
        # A snapshot is chosen after the settings, which must not have taken one already.
        async with reading(views[min(store_ids)], 5, snapshot=True) as tx:
            assert set((await tx.execute(select(stores.c.id))).scalars()) == {min(store_ids)}
        await database.close()
