"""A double of a provider that is spoken to by HTTP."""

import asyncio
import json
import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, ClassVar

from aiohttp import web

from muster_sdk.testing.acts import Act, Attempt, SentMessage
from muster_sdk.testing.double import ProviderDouble

__all__ = ["HttpDouble", "HttpReply", "HttpRequest"]

_SLOW_SECONDS = 0.2
_CLOSE_SECONDS = 0.5  # 0 would be without end
_FLOOD_BYTES = 5_000_000
_MOST_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came: `headers` by name in lower case, `query` decoded, `at` in seconds of `time.monotonic()`.

    Example:

        request.json()["to"]
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float

    def json(self) -> Any:
        """Return the body as JSON. Raise ValueError when it is none."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer: `body` is sent as it is when it is bytes, else as JSON.

    Example:

        HttpReply(202, {"id": attempt.provider_id})
    """

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class HttpDouble(ProviderDouble):
    """A provider by HTTP, on a thread of its own. Map its protocol by `messages_of` and `reply`; the rest has defaults.

    - `most_messages`: the most messages that one request may have; more are refused. None is no limit.
    - `url`: its base address, for `api_base_url`; `requests`: all that came, in order.

        class LoftDouble(HttpDouble):
            def messages_of(self, request):
                if request.path != "/messages":
                    return []
                return [SentMessage(request.json()["to"], request.headers.get("idempotency-key"))]

            def reply(self, request, attempts):
                if attempts[0].act is Act.REFUSE_RECIPIENT:
                    return HttpReply(400, {"error": "no such loft"})
                return HttpReply(202, {"id": attempts[0].provider_id})
    """

    most_messages: ClassVar[int | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[HttpRequest] = []
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._failure: OSError | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def messages_of(self, request: HttpRequest) -> Sequence[SentMessage]:
        """Return the messages that the request asks to send; none if it asks for anything else.

        What it raises is a fault of the request: the double answers 400, and the contract's test says so.
        """

    @abstractmethod
    def reply(self, request: HttpRequest, attempts: Sequence[Attempt]) -> HttpReply:
        """Return the answer to messages, each of which was accepted (`provider_id`), refused or deferred: see `act`."""

    def is_authorized(self, request: HttpRequest) -> bool:
        """Return whether the request has the account's credentials: override it. Others get `reply_unauthorized`."""
        return request.method != ""

    def reply_other(self, request: HttpRequest) -> HttpReply:
        """Return the answer to a request that sends nothing: who am I, what happened since. 404 unless overridden."""
        return HttpReply(404, {"error": f"there is no {request.path}"})

    def reply_unauthorized(self, request: HttpRequest) -> HttpReply:
        """Return the answer to wrong credentials: 401 unless overridden."""
        return HttpReply(401, {"error": f"{request.path} needs credentials"})

    def reply_account_refused(self, request: HttpRequest) -> HttpReply:
        """Return the answer to an account that has to wait: 429 with Retry-After unless overridden."""
        seconds = None if self.retry_after is None else str(int(self.retry_after.total_seconds()))
        headers = {} if seconds is None else {"Retry-After": seconds}
        return HttpReply(429, {"error": f"too many requests to {request.path}"}, headers)

    def reply_too_many(self, request: HttpRequest) -> HttpReply:
        """Return the answer to more messages than one request may have: 413 unless overridden."""
        return HttpReply(413, {"error": f"{request.path} takes {self.most_messages} messages"})

    def reply_failed(self, request: HttpRequest) -> HttpReply:
        """Return the answer of a provider that failed: 500 unless overridden."""
        return HttpReply(500, {"error": f"{request.path} failed"})

    def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="provider-double", daemon=True
        )
        self._thread.start()
        ready.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None and self._loop is not None and self._ending is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._ending.set)
            thread.join()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        server = web.Server(self._handle, access_log=None)
        try:
            listening = await self._loop.create_server(server, "127.0.0.1", self.port, backlog=1_000)
        except OSError as error:
            self._failure = error
            ready.set()
            return
        self.port = listening.sockets[0].getsockname()[1]
        ready.set()
        try:
            await self._ending.wait()
        finally:
            listening.close()
            await server.shutdown(_CLOSE_SECONDS)
            # Connections end at the next turns of the loop.
            for _ in range(3):
                await asyncio.sleep(0)

    async def _handle(self, raw: web.BaseRequest) -> web.StreamResponse:
        early = self.decide(None)
        if early is Act.RESET_BEFORE:
            return _reset(raw)
        request = HttpRequest(
            raw.method,
            raw.path,
            dict(raw.query),
            {name.lower(): value for name, value in raw.headers.items()},
            await _body(raw),
            monotonic(),
        )
        self.requests.append(request)
        if not self.is_authorized(request):
            return _response(self.reply_unauthorized(request))
        try:
            messages = self.messages_of(request)
        except Exception as error:  # noqa: BLE001 - a channel may send anything, and an author's double read it any way
            self.faults.append(f"{request.method} {request.path} could not be read: {type(error).__name__}: {error}")
            return _response(HttpReply(400, {"error": "the request makes no sense"}))
        if not messages:
            return _response(self.reply_other(request))
        if self.most_messages is not None and len(messages) > self.most_messages:
            return _response(self.reply_too_many(request))
        return await self._treat(raw, request, messages, early)

    async def _treat(
        self, raw: web.BaseRequest, request: HttpRequest, messages: Sequence[SentMessage], early: Act
    ) -> web.StreamResponse:
        acts = [self._planned.get(message.address, early) for message in messages]
        # What concerns the whole request goes before what concerns one message.
        act = next((one for one in acts if one not in _OF_ONE_MESSAGE), None)
        attempts = [self.note(message, act or own) for message, own in zip(messages, acts, strict=True)]
        match act:
            case Act.RESET_BEFORE | Act.RESET_AFTER:
                return _reset(raw)
            case Act.SILENCE:
                assert self._ending is not None
                await self._ending.wait()
                return _reset(raw)
            case Act.SLOW:
                await asyncio.sleep(_SLOW_SECONDS)
            case _:
                pass
        replies = {
            Act.REFUSE_ACCOUNT: lambda: self.reply_account_refused(request),
            Act.FAIL: lambda: self.reply_failed(request),
            Act.GARBAGE: lambda: HttpReply(200, b'<html>\xff\x00{"id":'),
            Act.FLOOD: lambda: HttpReply(200, b'{"id":"' + b"x" * _FLOOD_BYTES),
        }
        reply = replies[act]() if act is not None and act in replies else self.reply(request, attempts)
        now = monotonic()
        for attempt in attempts:
            attempt.answered = now
        return _response(reply)


_OF_ONE_MESSAGE = {Act.ACCEPT, Act.REFUSE_RECIPIENT, Act.DEFER_RECIPIENT}


async def _body(raw: web.BaseRequest) -> bytes:
    parts: list[bytes] = []
    async for part in raw.content.iter_chunked(65_536):
        parts.append(part)
        if sum(map(len, parts)) > _MOST_BYTES:
            break
    return b"".join(parts)


def _reset(raw: web.BaseRequest) -> web.StreamResponse:
    if raw.transport is not None:
        raw.transport.abort()
    return web.Response()


def _response(reply: HttpReply) -> web.Response:
    if isinstance(reply.body, bytes):
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)
    return web.Response(
        status=reply.status,
        body=json.dumps(reply.body).encode(),
        headers={"Content-Type": "application/json", **reply.headers},
    )
