"""Clients that dawdle or send without end are cut off; others never notice."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.client import connect

from api.http import connection
from api.http.listener import Listener
from api.http.middleware.body_pace import BodyPace
from api.http.middleware.error_responses import ErrorResponses

GET = b"GET / HTTP/1.1\r\nHost: muster\r\n"
POST = b"POST / HTTP/1.1\r\nHost: muster\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def no_streams() -> None:
    pass


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"{len(body)} bytes")(scope, receive, send)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without a look at the body, as where there is no token."""
    await PlainTextResponse("no", 401)(scope, receive, send)


async def much(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(b"x" * 50_000_000)(scope, receive, send)


@asynccontextmanager
async def connected(app: ASGIApp) -> AsyncGenerator[Streams]:
    """A connection to a server of this application."""
    server = Listener(app, no_streams)
    server.config.lifespan = "off"
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells by this alone
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
    try:
        async with asyncio.timeout(20):
            yield reader, writer
    finally:
        writer.close()
        server.should_exit = server.force_exit = True
        await task


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD_SECONDS", "REST_SECONDS", "SEND_SECONDS"):
        monkeypatch.setattr(connection, name, 0.3)


async def status_line(reader: asyncio.StreamReader) -> bytes:
    return (await reader.readuntil(b"\r\n")).strip()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server closes the connection."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def test_a_head_that_never_ends_is_408(impatient: None) -> None:
    async with connected(echo) as (reader, writer):
        writer.write(GET)
        assert await status_line(reader) == b"HTTP/1.1 408 Request Timeout"
        assert b"connection: close" in await rest(reader)


async def test_a_head_that_drips_is_408(impatient: None) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"X-Slow: 1\r\n")
            await asyncio.sleep(0.05)

    async with connected(echo) as (reader, writer):
        writer.write(GET)
        dripping = asyncio.create_task(drip(writer))
        assert await status_line(reader) == b"HTTP/1.1 408 Request Timeout"
        dripping.cancel()
        await asyncio.wait({dripping})


async def test_a_connection_without_a_request_is_closed(impatient: None) -> None:
    async with connected(echo) as (reader, _):
        assert await rest(reader) == b""


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X-Long: " + b"x" * 70_000 + b"\r\n\r\n",
        GET + b"X-Endless: " + b"x" * 400_000,
        GET + b"".join(b"X-%d: 1\r\n" % number for number in range(101)) + b"\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: muster\r\n\r\n",
        GET + b"Connection: upgrade\r\nUpgrade: websocket\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
    ids=["a long header", "an endless header", "many headers", "a long path", "an upgrade"],
)
async def test_a_head_that_is_too_large_is_431(head: bytes) -> None:
    async with connected(echo) as (reader, writer):
        writer.write(head)
        assert await status_line(reader) == b"HTTP/1.1 431 Request Header Fields Too Large"


async def test_what_follows_a_refused_head_is_not_read() -> None:
    async with connected(echo) as (reader, writer):
        writer.write(POST + b"X-Long: " + b"x" * 70_000 + b"\r\nContent-Length: 5\r\n\r\nhello" + GET + b"\r\n")
        assert (await rest(reader)).count(b"HTTP/1.1") == 1


async def test_requests_one_after_another_and_at_once_are_answered() -> None:
    async with connected(echo) as (reader, writer):
        for _ in range(2):
            writer.write(POST + b"Content-Length: 5\r\n\r\nhello")
            assert await status_line(reader) == b"HTTP/1.1 200 OK"
            await reader.readuntil(b"5 bytes")
        writer.write(5 * (POST + b"Content-Length: 5\r\n\r\nhello"))
        for _ in range(5):
            await reader.readuntil(b"5 bytes")


async def test_more_requests_at_once_than_a_client_needs_end_the_connection() -> None:
    async with connected(echo) as (reader, writer):
        writer.write(100 * (POST + b"Content-Length: 5\r\n\r\nhello"))
        assert (await rest(reader)).count(b"HTTP/1.1 200") <= connection.PIPELINED + 1


@pytest.mark.parametrize("drip", [False, True])
async def test_the_rest_of_a_body_that_nobody_reads_has_its_time(impatient: None, drip: bool) -> None:
    async with connected(refuse) as (reader, writer):
        writer.write(POST + b"Content-Length: 1000000\r\n\r\nhello")
        assert await status_line(reader) == b"HTTP/1.1 401 Unauthorized"
        reading = asyncio.create_task(rest(reader))
        while drip and not reading.done():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        await reading


async def test_a_client_that_takes_nothing_is_cut_off(impatient: None) -> None:
    done = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await much(scope, receive, send)
        while (await receive())["type"] != "http.disconnect":
            pass
        done.set()

    async with connected(app) as (_, writer):
        writer.write(GET + b"\r\n")
        await done.wait()


@pytest.mark.parametrize("kind", ["pauses", "drips"])
async def test_a_body_that_comes_too_slowly_is_408(kind: str) -> None:
    app = ErrorResponses(BodyPace(echo, pause=0.3 if kind == "pauses" else 20, start=0.3))
    async with connected(app) as (reader, writer):
        writer.write(POST + b"Content-Length: 1000000\r\n\r\nhello")
        reading = asyncio.create_task(status_line(reader))
        while kind == "drips" and not reading.done():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        assert await reading == b"HTTP/1.1 408 Request Timeout"
        assert b"connection: close" in await rest(reader)


async def test_a_body_in_pieces_is_taken_and_what_follows_may_last() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0.5)
        assert not waiting.done()
        waiting.cancel()
        await PlainTextResponse(f"{len(body)} bytes")(scope, receive, send)

    async with connected(ErrorResponses(BodyPace(app, pause=0.3))) as (reader, writer):
        writer.write(POST + b"Content-Length: 6\r\n\r\n")
        for _ in range(6):
            await asyncio.sleep(0.1)
            writer.write(b"x")
        assert await status_line(reader) == b"HTTP/1.1 200 OK"
        await reader.readuntil(b"6 bytes")


async def test_a_websocket_has_its_own_time(impatient: None) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await asyncio.sleep(1)
        await send({"type": "websocket.send", "text": "still here"})

    async with connected(app) as (_, writer):
        host, port = writer.get_extra_info("peername")
        async with connect(f"ws://{host}:{port}/") as socket:
            assert await socket.recv() == "still here"
