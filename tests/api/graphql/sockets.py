"""One WebSocket to the application in this process, as a client with a token sees it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Message

from api.graphql.server.websocket import PROTOCOL
from tests.api.graphql.stage import Json


class Socket:
    """Runs one operation at a time; signs of life are left out."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.outgoing: asyncio.Queue[Message] = asyncio.Queue()
        self._count = 0

    async def operate(self, query: str) -> list[Json]:
        """Return all that the operation is answered, its errors as one message."""
        self._count += 1
        key = str(self._count)
        await self.say({"id": key, "type": "subscribe", "payload": {"query": query}})
        heard: list[Json] = []
        while True:
            message = await self.hear()
            assert message["id"] == key
            if message["type"] == "complete":
                return heard
            heard.append(message["payload"])
            if message["type"] == "error":
                return heard

    async def say(self, message: Json) -> None:
        await self.incoming.put({"type": "websocket.receive", "text": json.dumps(message)})

    async def hear(self) -> Json:
        while True:
            async with asyncio.timeout(30):
                event = await self.outgoing.get()
            if event["type"] == "websocket.send":
                message = json.loads(event["text"])
                if message["type"] != "ping":
                    return message
            assert event["type"] != "websocket.close", event


@asynccontextmanager
async def connected(app: ASGIApp, token: str) -> AsyncGenerator[Socket]:
    socket = Socket()
    scope = {"type": "websocket", "path": "/graphql", "headers": [], "query_string": b"", "subprotocols": [PROTOCOL]}
    await socket.incoming.put({"type": "websocket.connect"})
    serving = asyncio.ensure_future(app(scope, socket.incoming.get, socket.outgoing.put))
    await socket.say({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
    assert await socket.hear() == {"type": "connection_ack"}
    yield socket
    await socket.incoming.put({"type": "websocket.disconnect", "code": 1000})
    await serving
