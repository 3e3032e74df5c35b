"""A token that is revoked or expires stops in every process that serves its store, open connections too (S5)."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from sqlalchemy import event, update
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError
from websockets.typing import Subprotocol

from api.graphql.kit.global_ids import encode
from api.graphql.server.connection_life import ConnectionLimits
from domain.stores.model import TokenScope
from domain.stores.tables import api_tokens
from tests.api.graphql.mutation_calls import prepare
from tests.api.graphql.stage import Stage, StoreClient, open_stage
from tests.factories import NOW

READ = frozenset({TokenScope.READ})


@asynccontextmanager
async def serving(stage: Stage) -> AsyncGenerator[str]:
    config = uvicorn.Config(stage.app, port=0, log_level="error", ws="websockets-sansio", lifespan="off")
    running = uvicorn.Server(config)
    task = asyncio.create_task(running.serve())
    while not running.started:  # noqa: ASYNC110 - uvicorn tells by this alone
        await asyncio.sleep(0.01)
    yield f"127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    running.should_exit = running.force_exit = True
    await task


@pytest.fixture
async def other_process(stage: Stage, tmp_path: Path) -> AsyncGenerator[Stage]:
    """Another server on the database of the stage, with connections of its own."""
    opened = open_stage(stage.runtime.settings.database_url, tmp_path / "files")
    opened.clock = stage.clock
    yield opened
    await opened.runtime.close()


async def subscription(store: StoreClient) -> str:
    """Return a subscription that does not end."""
    call = await prepare(store, "operationCancel")
    gid = call.document.split('"')[1]
    return f'subscription {{ operationProgress(id: "{gid}") {{ status }} }}'


async def open_socket(address: str, token: str, document: str) -> ClientConnection:
    socket = await connect(f"ws://{address}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")])
    await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}))
    await socket.send(json.dumps({"id": "a", "type": "subscribe", "payload": {"query": document}}))
    while json.loads(await asyncio.wait_for(socket.recv(), 10))["type"] != "next":
        pass
    return socket


async def close_code(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(10):
        try:
            async for _ in socket:
                pass
        except ConnectionClosedError:
            pass
    return socket.close_code


@asynccontextmanager
async def open_stream(address: str, token: str, document: str) -> AsyncGenerator[httpx.Response]:
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(base_url=f"http://{address}", headers=headers, timeout=10) as client,
        client.stream("POST", "/graphql", json={"query": document}) as response,
    ):
        yield response


def test_revocation_is_looked_for_often_enough_to_be_seen_within_two_seconds() -> None:
    assert ConnectionLimits().recheck <= 1


async def test_a_revoked_token_ends_its_connections_in_another_process(
    stage: Stage, store: StoreClient, other_process: Stage
) -> None:
    document = await subscription(store)
    token, token_id = await store.token_with_id(READ)
    lasting = await store.add_token(READ)
    async with serving(other_process) as address:
        socket = await open_socket(address, token, document)
        kept = await open_socket(address, lasting, document)
        async with open_stream(address, token, document) as stream:
            revoke = f'mutation {{ apiTokenRevoke(id: "{encode("ApiToken", token_id)}") {{ userErrors {{ code }} }} }}'
            assert (await store.get(revoke))["apiTokenRevoke"] == {"userErrors": []}
            refused = await StoreClient(other_process, store.store_id, token).ask("{ viewer { scopes } }")
            assert refused.status == 401
            async with asyncio.timeout(10):
                text = "".join([part async for part in stream.aiter_text()])
            assert '"code":"UNAUTHENTICATED"' in text
        assert await close_code(socket) == 4401
        await kept.send(json.dumps({"id": "b", "type": "subscribe", "payload": {"query": "{ viewer { scopes } }"}}))
        while json.loads(await asyncio.wait_for(kept.recv(), 10)).get("id") != "b":
            pass
        await kept.close()


async def test_a_token_that_expires_ends_its_connections(stage: Stage, store: StoreClient) -> None:
    document = await subscription(store)
    token, token_id = await store.token_with_id(READ)
    async with stage.runtime.database.write() as tx:
        end = NOW + timedelta(hours=1)
        await tx.execute(update(api_tokens).where(api_tokens.c.id == token_id).values(expires_at=end))
    async with serving(stage) as address:
        socket = await open_socket(address, token, document)
        stage.clock.forward(hours=1)
        assert await close_code(socket) == 4401


async def test_all_connections_of_a_process_are_looked_up_by_one_statement(stage: Stage, store: StoreClient) -> None:
    document = await subscription(store)
    tokens = [await store.add_token(READ) for _ in range(3)]
    statements: list[str] = []

    @event.listens_for(stage.runtime.database.engine.sync_engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, sql: str, parameters: object, *_: object) -> None:
        if "revoked_at IS NULL" in sql and "IN (" in sql:
            statements.append(str(parameters))

    async with serving(stage) as address:
        sockets = [await open_socket(address, token, document) for token in tokens * 2]
        statements.clear()
        await asyncio.sleep(2.5)
        looked_up = len(statements)
        for socket in sockets:
            await socket.close()
        await asyncio.sleep(0.1)
        statements.clear()
        await asyncio.sleep(1.5)
    assert 1 <= looked_up <= 3
    assert statements == []
