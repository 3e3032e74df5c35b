"""The door for providers' webhooks: what one tells is stored, and only then is it answered."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime

import structlog
from muster_sdk import Unreachable, WebhookAnswer, WebhookRefused, WebhookRequest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api import metrics
from api.transactions import write
from domain.receipts import webhooks
from domain.services import Services
from domain.sessions.session import ChannelBroken
from domain.sessions.webhook_addresses import WebhookAddresses
from domain.stores.channels import ChannelUnavailable

log = structlog.get_logger(__name__)

MAX_BODY = 1_000_000
RETRY_AFTER_SECONDS = 5
# Of each channel: processes that read its webhooks at a time, and requests that have come for them.
READERS = 4
_PLACES = 200
_WAIT_SECONDS = 5.0
# A page of a channel's would be one of ours.
_HEADERS = {"content-security-policy": "default-src 'none'; frame-ancestors 'none'", "cache-control": "no-store"}
_CONTENT_TYPES = {"text/plain", "application/json", "application/xml", "text/xml"}


class Busy(Exception):
    """More requests wait than will be read in time: the provider repeats this one."""

    def __init__(self) -> None:
        super().__init__("too many at a time")


class Turnstile:
    """Lets so many requests of a channel in at a time, and so many wait: a flood, or a slow channel, harms itself.

    Who is in has a process of the channel, and a connection of the database.
    """

    def __init__(self, readers: int = READERS, places: int = _PLACES, patience: float = _WAIT_SECONDS) -> None:
        self._free = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(readers))
        self._taken = defaultdict[str, int](int)
        self._places = places
        self._patience = patience

    @contextmanager
    def place(self, channel: str) -> Generator[None]:
        """Hold a place for a request from before its body is read. Raise Busy when there is none."""
        if self._taken[channel] >= self._places:
            raise Busy
        self._taken[channel] += 1
        try:
            yield
        finally:
            self._taken[channel] -= 1

    @asynccontextmanager
    async def turn(self, channel: str) -> AsyncGenerator[None]:
        """Wait for a reader. Raise Busy when that takes too long."""
        free = self._free[channel]
        try:
            async with asyncio.timeout(self._patience):
                await free.acquire()
        except TimeoutError:
            raise Busy from None
        try:
            yield
        finally:
            free.release()


def routes(services: Services) -> list[Route]:
    turnstile = Turnstile()

    async def receive(request: Request) -> Response:
        channel: str = request.path_params["channel"]
        addresses = await services.webhook_addresses()
        store_id = addresses.read(channel, request.path_params["token"])
        if store_id is None:
            return _unknown()
        try:
            with turnstile.place(channel):
                of_store = replace(services, database=services.database.of_store(store_id))
                return await _take(of_store, turnstile, store_id, request)
        except WebhookRefused as error:
            log.warning("webhook_refused", channel=channel, store=store_id, reason=str(error))
            return _told(channel, "refused", PlainTextResponse("", 401))
        except (ChannelBroken, ChannelUnavailable, Unreachable, Busy) as error:
            log.warning("webhook_not_read", channel=channel, store=store_id, error=str(error))
            headers = {"retry-after": str(RETRY_AFTER_SECONDS)}
            return _told(channel, "again", PlainTextResponse("Try again in a moment.", 503, headers))

    return [Route(f"{WebhookAddresses.PATH}/{{channel}}/{{token}}", receive, methods=["GET", "POST"])]


async def _take(services: Services, turnstile: Turnstile, store_id: int, request: Request) -> Response:
    """Have a store's webhook read, and store what it tells. Raise whatever keeps it from that."""
    key: str = request.path_params["channel"]
    body = await _body(request)
    if body is None:
        return _told(key, "too_large", PlainTextResponse("The body is too large.", 413))
    # Behind the turnstile, for others need connections of the database too.
    async with turnstile.turn(key):
        found = await webhooks.find(services, store_id, key)
        if found is None:
            return _unknown()
        configured, context = found
        webhook = _webhook(request, f"{context.webhook_url}", body, services.clock())
        result = await webhooks.read(services, configured, context, webhook)
        taken = await write(services.database, lambda tx: webhooks.store(tx, store_id, configured, result))
    if taken.nameless:
        log.warning("receipts_nameless", channel=key, store=store_id, number=taken.nameless)
    return _told(key, "taken", _answer(key, result.value))


async def _body(request: Request) -> bytes | None:
    """Return the body; None for one that is too large, of which no more is read."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _webhook(request: Request, url: str, body: bytes, now: datetime) -> WebhookRequest:
    query: bytes = request.scope["query_string"]
    return WebhookRequest(
        request.method,
        f"{url}?{query.decode('latin-1')}" if query else url,
        dict(request.query_params),
        dict(request.headers),
        body,
        now,
    )


def _answer(channel: str, answer: WebhookAnswer) -> Response:
    content_type = answer.content_type.partition(";")[0].strip().lower()
    if not 200 <= answer.status < 500 or content_type not in _CONTENT_TYPES:
        # What it tells is stored: the provider need not repeat it.
        log.error("webhook_answer_wrong", channel=channel, status=answer.status, content_type=answer.content_type)
        return Response(status_code=200, headers=_HEADERS)
    # JSON is UTF-8 by itself, and says no charset.
    media_type = content_type if content_type == "application/json" else f"{content_type}; charset=utf-8"
    content = answer.body.encode("utf-8", "replace")
    return Response(content, answer.status, {**_HEADERS, "content-type": media_type})


def _unknown() -> Response:
    return PlainTextResponse("There is no such address.", 404)


def _told(channel: str, outcome: str, response: Response) -> Response:
    metrics.webhooks.labels(channel, outcome).inc()
    return response
