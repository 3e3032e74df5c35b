"""Reading with a deadline, cancelled at any moment."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import text

from domain.kit.db import Database
from domain.segments.evaluation.deadline import TookTooLong, reading
from tests.leaks import connections_closed

ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def count_to(number: int) -> str:
    return f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number}) SELECT count(*) FROM n"


@ONLY_SQLITE
async def test_a_cancelled_statement_ends_as_cancelled(database_url: str) -> None:
    async def read() -> None:
        async with reading(database, 0.2, snapshot=True) as tx:
            started.set()
            await tx.execute(text(count_to(10**12)))

    database, started = Database(database_url), asyncio.Event()
    task = asyncio.create_task(read())
    await started.wait()
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.close()
    await connections_closed()


@ONLY_SQLITE
async def test_no_connection_goes_back_with_a_deadline(database_url: str) -> None:
    async def read() -> None:
        async with reading(database, 0.001, snapshot=True) as tx:
            await tx.execute(text("SELECT 1"))

    database = Database(database_url, pool_size=1)
    for steps in range(40):
        task = asyncio.create_task(read())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError, TookTooLong):
            await task
        await asyncio.sleep(0.002)
        async with database.read() as tx:
            assert await tx.scalar(text(count_to(20_000))) == 20_000
    await database.close()
    await connections_closed()


async def test_a_snapshot_is_chosen_after_the_settings_of_a_transaction_behind_a_pooler(database_url: str) -> None:
    database = Database(database_url, pooler=True)
    async with reading(database, 5, snapshot=True) as tx:
        if tx.dialect == "postgresql":
            assert await tx.scalar(text("SHOW transaction_isolation")) == "repeatable read"
            assert await tx.scalar(text("SHOW jit")) == "off"
    await database.close()
