"""The `HttpClient` that Muster gives to channels, by aiohttp: the extra `muster-sdk[http]`."""

import select
from asyncio import BaseProtocol
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import aiohttp
import aiohttp.tracing
from aiohttp.connector import Connection

from muster_sdk.errors import NoAnswer, NotConnected
from muster_sdk.host import HttpAnswer

__all__ = ["MAX_ANSWER_BYTES", "AiohttpClient", "open_client"]

MAX_ANSWER_BYTES = 4_000_000
"""The most bytes of an answer's body."""

_CONNECT_SECONDS = 10
_CONNECTIONS = 100


@asynccontextmanager
async def open_client(*, proxies: bool = True) -> AsyncGenerator["AiohttpClient"]:
    """Yield a client; leaving the block closes its connections. It belongs to the event loop that opened it.

    Without `proxies`, those that the environment names (HTTP_PROXY) are passed by.

    Example:

        async with open_client() as http:
            answer = await http.request("GET", "https://api.example/me")
    """
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_note_sent)
    async with aiohttp.ClientSession(
        connector=_SilentConnector(limit=_CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[trace],
        trust_env=proxies,
    ) as session:
        yield AiohttpClient(session)


class _SilentConnector(aiohttp.TCPConnector):
    """Uses a connection again only while it is silent.

    What comes unasked for, such as a second answer, would be taken for the answer of the next request. And on one that
    its other side has closed, nobody would know whether the request has arrived.
    """

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)  # pyright: ignore[reportUnknownMemberType] # what aiohttp leaves untyped
        self._used = WeakSet[BaseProtocol]()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - as aiohttp calls it
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None or protocol not in self._used:
                if protocol is not None:
                    self._used.add(protocol)
                return connection
            if not _has_spoken(connection):
                return connection
            connection.close()


def _has_spoken(connection: Connection) -> bool:
    """Return whether something has come, or the other side has closed."""
    transport = connection.transport
    if transport is None or connection.protocol is None or connection.protocol.should_close:
        return True
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))


class AiohttpClient:
    """An `HttpClient`; see there."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(  # noqa: PLR0913 - as many things make a request
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: object | None = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        basic_auth: tuple[str, str] | None = None,
        timeout_seconds: float = 30,
    ) -> HttpAnswer:
        """Send a request and return the answer, as `HttpClient.request` says. Raise NotConnected, NoAnswer."""
        if sum(content is not None for content in (json, form, body)) > 1:
            raise ValueError("a request has one of json, form and body")
        progress = SimpleNamespace(sent=False)
        host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
        try:
            async with self._session.request(
                method,
                url,
                headers=headers,
                params=params,
                json=json,
                data=dict(form) if form is not None else body,
                auth=None if basic_auth is None else aiohttp.BasicAuth(*basic_auth),
                timeout=aiohttp.ClientTimeout(
                    total=timeout_seconds, sock_connect=min(timeout_seconds, _CONNECT_SECONDS)
                ),
                allow_redirects=False,
                trace_request_ctx=progress,
            ) as response:
                content = await _read(response)
                if content is None:
                    raise NoAnswer(f"{host} answered with more than {MAX_ANSWER_BYTES:,} bytes")
                return HttpAnswer(
                    response.status, {name.lower(): value for name, value in response.headers.items()}, content
                )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            # A URL that is none, and whatever fails before the headers are out, has sent nothing.
            reason = (
                f"did not answer within {timeout_seconds:g} seconds"
                if isinstance(error, TimeoutError)
                else _reason(error)
            )
            raise (NoAnswer if progress.sent else NotConnected)(f"{host or 'The provider'} {reason}") from error


async def _note_sent(
    _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestHeadersSentParams
) -> None:
    progress: Any = context.trace_request_ctx
    progress.sent = True


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """Return the body, None when it is larger than it may be."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(65_536):
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _reason(error: Exception) -> str:
    """Return what failed without addresses, which a text of the library may repeat."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "has a certificate that is not trusted"
        case aiohttp.ClientConnectorDNSError():
            return "has no address"
        case aiohttp.ClientConnectorError():
            return "could not be connected to"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError():
            return "closed the connection"
        case aiohttp.InvalidURL() | ValueError():
            return "is no address of HTTP"
        case _:
            return f"failed: {type(error).__name__}"
