"""A client that hangs up (S4): its query ends in the database too, its mutation is done as a whole."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from domain.kit.db import Database
from tests.api.graphql.conftest import serve
from tests.api.graphql.stage import Stage, StoreClient

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
WAITS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND state = 'active'"
)
UPSERT = 'mutation { customersUpsert(input: [{externalId: "late"}]) { created userErrors { message } } }'


@asynccontextmanager
async def customers_locked(database: Database) -> AsyncGenerator[Callable[[], Awaitable[int]]]:
    """Have whoever reads or writes customers wait; yield how many do."""
    other = Database(database.url)

    async def waiting() -> int:
        async with other.read() as tx:
            return int(await tx.scalar(WAITS))

    async with other.write() as tx:
        await tx.execute(text("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE"))
        yield waiting
    await other.close()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.02)


async def send(host: str, store: StoreClient, query: str, accept: str = "application/json") -> asyncio.StreamWriter:
    """Send the request and return the connection, which is to be closed."""
    body = json.dumps({"query": query}).encode()
    _, writer = await asyncio.open_connection(*host.split(":"))
    writer.write(
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {store.token}\r\nAccept: {accept}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    return writer


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


def finished(lines: list[Any]) -> list[int]:
    return [line["status"] for line in lines if line["event"] == "request_finished"]


@pytest.mark.parametrize(
    "query",
    [
        "{ customers(first: 1) { nodes { id } totalCount } }",
        '{ segmentPreview(query: "gender = \\"FEMALE\\"") { count } }',
        '{ customer(externalId: "ann") { contacts { channel } } }',
    ],
)
async def test_a_query_ends_with_its_client(stage: Stage, store: StoreClient, query: str) -> None:
    async with serve(stage.app) as host, customers_locked(stage.runtime.database) as waiting:
        with capture_logs() as lines:
            client = await send(host, store, query)
            await until(lambda: _is(waiting, True))
            await hang_up(client)
            await until(lambda: _is(waiting, False))
            await until(lambda: _done(lines))
    assert finished(lines) == [499]
    assert (await store.ask("{ customers(first: 1) { nodes { id } } }")).data == {"customers": {"nodes": []}}


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_a_mutation_is_done_as_a_whole(stage: Stage, store: StoreClient, accept: str) -> None:
    async with serve(stage.app) as host:
        with capture_logs() as lines:
            async with customers_locked(stage.runtime.database) as waiting:
                client = await send(host, store, UPSERT, accept)
                await until(lambda: _is(waiting, True))
                await hang_up(client)
                await asyncio.sleep(0.3)
                assert await waiting()
            await until(lambda: _done(lines))
    assert finished(lines) == ([499] if accept == "application/json" else [200])
    assert await store.customer_id("late")


async def test_a_server_that_ends_rolls_a_mutation_back(stage: Stage, store: StoreClient) -> None:
    async with customers_locked(stage.runtime.database) as waiting:
        task = asyncio.create_task(store.send(json={"query": UPSERT}))
        await until(lambda: _is(waiting, True))
        task.cancel()
        await asyncio.wait({task})
        await until(lambda: _is(waiting, False))
    assert (await store.get('{ customer(externalId: "late") { id } }'))["customer"] is None


async def _is(waiting: Callable[[], Awaitable[int]], expected: bool) -> bool:
    return bool(await waiting()) is expected


async def _done(lines: list[Any]) -> bool:
    return bool(finished(lines))
