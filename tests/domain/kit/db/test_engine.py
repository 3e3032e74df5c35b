"""A pool gets its connections back whatever becomes of those that use them."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import text

from domain.kit.db import Database, engine
from tests.leaks import connections_closed


async def test_a_cancelled_reader_gives_its_connection_back(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def read() -> None:
        async with database.read() as tx:
            await tx.execute(text("SELECT 1"))

    database = Database(database_url, pool_size=1)
    for steps in range(40):
        task = asyncio.create_task(read())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
    await database.close()
    await connections_closed()
    # Of a connection that nobody gave back, SQLAlchemy says so when it is collected.
    assert [record.getMessage() for record in caplog.records if record.name.startswith("sqlalchemy.pool")] == []


FOR_HOURS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000000) "
    "SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(36000)",
}


@pytest.mark.parametrize("writes", [False, True])
async def test_a_statement_ends_with_the_task_that_waits_for_it(database: Database, writes: bool) -> None:
    """S4: and the connection is of use again, with nothing of the transaction in it."""

    async def wait() -> None:
        async with database.write() if writes else database.read() as tx:
            await tx.execute(text("CREATE TABLE begun (id INTEGER)") if writes else text("SELECT 1"))
            began.set()
            await tx.execute(text(FOR_HOURS[database.dialect]))

    began = asyncio.Event()
    task = asyncio.create_task(wait())
    await began.wait()
    await asyncio.sleep(0.1)
    task.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await task
        async with database.write() as tx:
            await tx.execute(text("CREATE TABLE begun (id INTEGER)"))
            await tx.execute(text("DROP TABLE begun"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_writer_of_sqlite_waits_for_another_only_so_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_BUSY_SECONDS", 0.1)
    async with database.write():
        with pytest.raises(TimeoutError):
            async with database.write():
                pass
    async with database.write() as tx:
        assert await tx.scalar(text("SELECT 1")) == 1
