"""Answers as server-sent events (graphql-sse, distinct connections mode)."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

from starlette.types import Receive, Scope, Send

from api.graphql.kit.errors import log, unauthenticated
from api.graphql.server.connection_life import ConnectionLimits, Streams, disconnected, stop
from api.graphql.server.execution import Answer, encode, refused

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"vary", b"Accept"),
]
_COMPLETE = b"event: complete\ndata:\n\n"
_KEEPALIVE = b":\n\n"

Answers = AsyncGenerator[Answer, None]
Write = Callable[[bytes], Awaitable[None]]


class EventStream:
    """A response that sends answers until they end, or the server, or the client disconnects or loses its token."""

    def __init__(
        self, answers: Answers, until_revoked: Callable[[], Awaitable[None]], limits: ConnectionLimits, streams: Streams
    ) -> None:
        self._answers = answers
        self._until_revoked = until_revoked
        self._limits = limits
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        with self._streams.counted():
            await self._serve(receive, send)

    async def _serve(self, receive: Receive, send: Send) -> None:
        async def write(data: bytes, more: bool = True) -> None:
            async with asyncio.timeout(self._limits.send_within):
                await send({"type": "http.response.body", "body": data, "more_body": more})

        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        gone = asyncio.create_task(disconnected(receive))
        revoked = asyncio.ensure_future(self._until_revoked())
        ending = asyncio.create_task(self._streams.ending())
        relay = asyncio.create_task(self._relay(write))
        tasks = {gone, revoked, ending, relay}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await stop(tasks)
        if gone in done:
            return
        # The others were cancelled.
        errors = [error for task in done if (error := task.exception()) is not None]
        for error in errors:
            if not isinstance(error, TimeoutError):
                log.error("graphql.stream_failed", exc_info=error)
        if errors:
            return
        with suppress(TimeoutError):
            if revoked in done and relay not in done:
                await write(_next(refused([unauthenticated()])))
            await write(_COMPLETE)
            await write(b"", more=False)

    async def _relay(self, write: Write) -> None:
        async with aclosing(self._answers) as answers:
            upcoming = asyncio.ensure_future(anext(answers, None))
            try:
                while True:
                    await asyncio.wait({upcoming}, timeout=self._limits.keepalive)
                    if not upcoming.done():
                        await write(_KEEPALIVE)
                    elif (answer := upcoming.result()) is None:
                        return
                    else:
                        await write(_next(answer))
                        upcoming = asyncio.ensure_future(anext(answers, None))
            finally:
                await stop((upcoming,))


def _next(answer: Answer) -> bytes:
    return b"event: next\ndata: " + encode(answer) + b"\n\n"
