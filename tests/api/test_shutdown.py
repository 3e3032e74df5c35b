"""A server that is told to end says goodbye to those who watch (P20, S5), and ends."""

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError
from websockets.typing import Subprotocol

from api.graphql.kit.global_ids import encode
from domain.kit.db import Database
from domain.operations import queries as operations
from domain.stores import queries as stores
from domain.stores.model import TokenScope, new_token, token_hash
from tests.factories import NOW
from tests.journeys.processes import served

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# Less than what requests have (`GRACE_SECONDS`), more than two seconds on a busy machine.
GOODBYE_SECONDS = 8


@dataclass
class RunningServer:
    process: "subprocess.Popen[bytes]"
    host: str
    token: str
    query: str


@pytest.fixture
async def running(database: Database, store_id: int, tmp_path: Path) -> AsyncGenerator[RunningServer]:
    """`muster serve`, and a subscription there that no event ends."""
    token = new_token(store_id)
    hashed = token_hash(token)
    assert hashed is not None
    async with database.write() as tx:
        await stores.add_token(tx, store_id, "test", hashed, frozenset({TokenScope.READ}), NOW)
        operation = await operations.start(tx, store_id, "imports.customers", NOW)
    query = f'subscription {{ operationProgress(id: "{encode("Operation", operation.id)}") {{ status }} }}'
    settings = {"MUSTER_DATABASE_URL": database.url, "MUSTER_SECRET_KEY": "a key for tests alone"}
    with served(settings, tmp_path) as running:
        process, host = running.popen, running.host
        yield RunningServer(process, host, token, query)


@pytest.mark.slow
async def test_streams_and_sockets_end_with_complete_and_the_process_ends(running: RunningServer) -> None:
    headers = {"Authorization": f"Bearer {running.token}", "Accept": "text/event-stream"}
    init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {running.token}"}}
    async with (
        httpx.AsyncClient(base_url=f"http://{running.host}", headers=headers, timeout=30) as client,
        client.stream("POST", "/graphql", json={"query": running.query}) as stream,
        connect(f"ws://{running.host}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as socket,
    ):
        await socket.send(json.dumps(init))
        await socket.send(json.dumps({"id": "a", "type": "subscribe", "payload": {"query": running.query}}))
        while json.loads(await socket.recv())["type"] != "next":
            pass
        texts = stream.aiter_text()
        text = await anext(texts)
        running.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(GOODBYE_SECONDS):
            text += "".join([part async for part in texts])
            heard: list[str] = []
            with suppress(ConnectionClosedError):
                heard += [json.loads(message)["type"] async for message in socket]
    assert text.startswith("event: next\n")
    assert text.endswith("event: complete\ndata:\n\n")
    assert "errors" not in text
    assert (heard[-1], socket.close_code) == ("complete", 1001)
    assert await asyncio.to_thread(running.process.wait, 40) in (0, -signal.SIGTERM)
