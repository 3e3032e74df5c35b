"""PostgreSQL restarts: whoever comes next notices nothing, and whoever waits for a silent server waits only so long."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.kit.db import Database, TimeLimits
from domain.kit.db.faults import is_unavailable
from tests.api.commands import muster
from tests.cluster.postgres import Server

IMPATIENT = TimeLimits(statement=0.5, pool=0.5, silence=3)


@pytest.fixture
async def database(postgres_server: Server) -> AsyncIterator[Database]:
    database = Database(postgres_server.url, pool_size=3, limits=IMPATIENT)
    yield database
    await database.close()


async def backend(database: Database) -> int:
    async with database.write() as tx:
        pid: int = await tx.scalar(text("SELECT pg_backend_pid()"))
        return pid


async def test_connections_that_a_restart_closed_are_replaced(database: Database, postgres_server: Server) -> None:
    before = {*await asyncio.gather(*(backend(database) for _ in range(3)))}
    await asyncio.to_thread(postgres_server.stop)
    await asyncio.to_thread(postgres_server.start)
    after = [await backend(database) for _ in range(6)]
    assert not before & {*after}


@pytest.mark.parametrize("way", ["read", "write"])
async def test_a_first_statement_on_a_lost_connection_begins_on_another(
    database: Database, postgres_server: Server, way: str
) -> None:
    pid = await backend(database)
    # The event loop has not seen the end of the connection when the next transaction takes it.
    open_transaction = database.read if way == "read" else database.write
    async with open_transaction() as tx:
        postgres_server.psql(f"SELECT pg_terminate_backend({pid}, 5000)")
        assert await tx.scalar(text("SELECT pg_backend_pid()")) != pid
        if way == "write":
            await tx.execute(text("CREATE TABLE begun_again (n int)"))
    if way == "write":
        async with database.read() as tx:
            assert await tx.scalar(text("SELECT count(*) FROM begun_again")) == 0


async def test_what_a_lost_connection_had_begun_is_not_done_by_half(
    database: Database, postgres_server: Server
) -> None:
    async with database.write() as tx:
        await tx.execute(text("CREATE TABLE halves (n int)"))

    async def lose_the_connection() -> None:
        async with database.write() as tx:
            pid = await tx.scalar(text("SELECT pg_backend_pid()"))
            await tx.execute(text("INSERT INTO halves VALUES (1)"))
            postgres_server.psql(f"SELECT pg_terminate_backend({pid}, 5000)")
            await tx.execute(text("INSERT INTO halves VALUES (2)"))

    with pytest.raises(DBAPIError) as lost:
        await lose_the_connection()
    assert is_unavailable(lost.value)
    async with database.read() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM halves")) == 0


async def test_a_long_statement_is_cut_short(database: Database) -> None:
    with pytest.raises(DBAPIError) as cut_short:
        async with database.read() as tx:
            await tx.execute(text("SELECT pg_sleep(20)"))
    assert is_unavailable(cut_short.value)


async def test_a_server_that_is_frozen_holds_nobody(database: Database, postgres_server: Server) -> None:
    pid = await backend(database)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(TimeoutError) as frozen:
            async with database.write() as tx:
                await tx.execute(text("SELECT 1"))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert is_unavailable(frozen.value)
    assert await backend(database) != pid


async def test_an_exhausted_pool_is_a_reason_to_try_again(database: Database) -> None:
    transactions = [database.read() for _ in range(3)]
    for transaction in transactions:
        await transaction.__aenter__()
    with pytest.raises(Exception) as exhausted:  # noqa: PT011 - whatever it is, it is worth a retry
        async with database.read():
            pass
    for transaction in transactions:
        await transaction.__aexit__(None, None, None)
    assert is_unavailable(exhausted.value)


async def test_the_server_knows_how_long_to_wait_for_us(database: Database) -> None:
    names = ("idle_in_transaction_session_timeout", "statement_timeout", "tcp_user_timeout", "tcp_keepalives_idle")
    async with database.read() as tx:
        values = [await tx.scalar(text(f"SHOW {name}")) for name in names]
    assert values == ["20s", "500ms", "15000", "5"]


def test_a_command_says_that_a_silent_host_does_not_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://postgres@127.0.0.1:{silent.getsockname()[1]}/postgres"
        done = muster("migrate", cwd=tmp_path, MUSTER_DATABASE_URL=url)
    assert (done.returncode, done.stderr) == (3, "muster: The database does not answer: TimeoutError\n")
