"""Operations over a WebSocket (graphql-transport-ws)."""

import asyncio
from asyncio import FIRST_COMPLETED
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextlib import aclosing, suppress
from typing import Any, Generic, TypeVar, cast

import orjson
from graphql import GraphQLError
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.http.websocket_origin import is_same_origin, normalize_origin

from api.database_errors import log_unavailable
from api.graphql.kit.errors import log, refusal
from api.graphql.kit.json_types import is_object
from api.graphql.server.connection_life import ConnectionLimits, Streams, TokenWatch, stop
from api.graphql.server.execution import Answer, OpenContext, Runner, encode
from api.graphql.server.negotiation import Refused
from api.graphql.server.requests import MAX_BODY, from_json
from api.sign_in_throttle import TooManyFailures

PROTOCOL = "graphql-transport-ws"
MAX_OPERATIONS = 50

C = TypeVar("C")
P = TypeVar("P", bound=Hashable)

Message = Mapping[str, Any]


class Closed(Exception):
    """The connection is closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Socket(Generic[P, C]):
    """One connection."""

    def __init__(
        self,
        socket: WebSocket,
        runner: Runner[P, C],
        authenticate: Callable[[HTTPConnection], Awaitable[P | None]],
        open_context: Callable[[HTTPConnection, P], OpenContext[C]],
        watch: TokenWatch[P],
        limits: ConnectionLimits,
        streams: Streams,
    ) -> None:
        self._socket = socket
        self._runner = runner
        self._authenticate = authenticate
        self._open_context = open_context
        self._watch = watch
        self._limits = limits
        self._streams = streams
        self._connection: HTTPConnection = socket
        self._principal: P | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()
        self._ready = asyncio.Event()
        self._stalled = asyncio.Event()

    async def serve(self) -> None:
        if PROTOCOL not in self._socket.scope.get("subprotocols", ()):
            await self._socket.accept()
            await self._socket.close(4406, "Subprotocol not acceptable")
            return
        await self._socket.accept(PROTOCOL)
        with self._streams.counted():
            await self._serve()

    async def _serve(self) -> None:
        reader = asyncio.create_task(self._read())
        keeper = asyncio.create_task(self._keep())
        try:
            try:
                done, _ = await asyncio.wait({reader, keeper}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                await stop((reader, keeper, *self._operations.values()))
        except Closed as closed:
            with suppress(RuntimeError, WebSocketDisconnect):  # the client may have closed first
                await self._socket.close(closed.code, closed.reason)
        except (WebSocketDisconnect, TimeoutError):
            pass

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self._limits.init_within):
                await self._initialise()
        except TimeoutError:
            raise Closed(4408, "Connection initialisation timeout") from None
        while True:
            match await self._receive():
                case {"type": "connection_init"}:
                    raise Closed(4429, "Too many initialisation requests")
                case {"type": "ping"}:
                    await self._send({"type": "pong"})
                case {"type": "pong"}:
                    pass
                case {"type": "subscribe", "id": str(key), "payload": payload} if key and is_object(payload):
                    await self._subscribe(key, payload)
                case {"type": "complete", "id": str(key)}:
                    if task := self._operations.pop(key, None):
                        task.cancel()
                case _:
                    raise Closed(4400, "No message of graphql-transport-ws")

    async def _keep(self) -> None:
        """Ping, and end the connection when its token is no longer valid, its client too slow, or the server ends."""
        await self._ready.wait()
        revoked = asyncio.create_task(self._watch.until_revoked(cast(P, self._principal)))
        stalled = asyncio.create_task(self._stalled.wait())
        ending = asyncio.create_task(self._streams.ending())
        tasks = {revoked, stalled, ending}
        try:
            while not (await asyncio.wait(tasks, timeout=self._limits.keepalive, return_when=FIRST_COMPLETED))[0]:
                await self._send({"type": "ping"})
        finally:
            await stop(tasks)
        if not revoked.cancelled():
            revoked.result()
        if not ending.cancelled():
            await self._complete()
            raise Closed(1001, "The server ends")
        raise Closed(1013, "Too slow") if self._stalled.is_set() else Closed(4401, "Unauthorized")

    async def _complete(self) -> None:
        """End all operations, and tell the client."""
        operations = dict(self._operations)
        await stop(operations.values())
        for key in operations:
            await self._send({"id": key, "type": "complete"})

    async def _receive(self) -> Message:
        event = await self._socket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1000))
        text = event.get("text")
        if text is None:
            raise Closed(4400, "A message is text")
        if len(text) > MAX_BODY:
            raise Closed(1009, "Message too big")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Closed(4400, "A message is JSON") from None
        if not is_object(message):
            raise Closed(4400, "A message is an object")
        return message

    async def _initialise(self) -> None:
        message = await self._receive()
        while message.get("type") == "ping":
            await self._send({"type": "pong"})
            message = await self._receive()
        if message.get("type") != "connection_init":
            raise Closed(4401, "Unauthorized")
        payload: object = message.get("payload", {})
        payload = {} if payload is None else payload
        if not is_object(payload):
            raise Closed(4400, "Invalid connection_init payload")
        self._connection = _with_token(self._socket, payload)
        try:
            self._principal = await self._authenticate(self._connection)
        except TooManyFailures as error:
            raise Closed(1013, str(error)) from None
        except Exception as error:
            if log_unavailable(error) is None:
                raise
            raise Closed(1013, "Try again later") from None
        if self._principal is None:
            raise Closed(4403, "Forbidden")
        await self._send({"type": "connection_ack"})
        self._ready.set()

    async def _subscribe(self, key: str, payload: Message) -> None:
        if key in self._operations:
            raise Closed(4409, f"Subscriber for {key[:60]} already exists")
        if len(self._operations) >= MAX_OPERATIONS:
            error = refusal(f"A connection carries at most {MAX_OPERATIONS} operations at a time", "LIMIT_EXCEEDED")
            await self._send_errors(key, [error])
            return

        def finish(task: asyncio.Task[None]) -> None:
            if self._operations.get(key) is task:
                del self._operations[key]
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, WebSocketDisconnect | TimeoutError):
                log.error("graphql.stream_failed", exc_info=error)

        task = asyncio.create_task(self._operate(key, payload))
        self._operations[key] = task
        task.add_done_callback(finish)

    async def _operate(self, key: str, payload: Message) -> None:
        try:
            principal = cast(P, self._principal)
            operation = await self._runner.plan_for(from_json(payload), self._connection, principal)
            open_context = self._open_context(self._connection, principal)
            async with aclosing(self._runner.stream(operation, open_context)) as answers:
                async for answer in answers:
                    await self._send({"id": key, "type": "next", "payload": answer})
        except Refused as refused:
            self._operations.pop(key, None)
            await self._send_errors(key, refused.errors)
            return
        # Free before the client is notified, which may use the ID again at once.
        self._operations.pop(key, None)
        await self._send({"id": key, "type": "complete"})

    async def _send_errors(self, key: str, errors: list[GraphQLError]) -> None:
        await self._send({"id": key, "type": "error", "payload": [error.formatted for error in errors]})

    async def _send(self, message: Answer) -> None:
        try:
            async with asyncio.timeout(self._limits.send_within), self._sending:
                await self._socket.send_text(encode(message).decode())
        except TimeoutError:
            self._stalled.set()
            raise


def origin_allowed(connection: HTTPConnection, allowed: frozenset[str]) -> bool:
    """Return whether the page may connect. Browsers apply no CORS to a WebSocket: foreign pages are refused here."""
    header = connection.headers.get("origin")
    if header is None or "*" in allowed:
        return True
    origin = normalize_origin(header)
    return origin is not None and (origin in allowed or is_same_origin(origin, connection.headers.get("host")))


def _with_token(socket: WebSocket, payload: Message) -> HTTPConnection:
    """Return the connection with the payload's Authorization as its header, which a browser cannot set."""
    token = next((v for k, v in payload.items() if k.lower() == "authorization"), None)
    scope = dict(socket.scope)
    scope["headers"] = list(scope["headers"])
    if isinstance(token, str) and token.isascii() and token.isprintable():
        MutableHeaders(scope=scope)["authorization"] = token
    return HTTPConnection(scope)
