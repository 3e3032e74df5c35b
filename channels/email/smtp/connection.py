"""A connection to an SMTP server: commands are written, replies are read in order, and every wait has a timeout."""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

from channels.email import headers

_MAX_LINE: Final = 8_192
_MAX_REPLIES: Final = 100
_MAX_REASON: Final = 300


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that a server has to accept the connection, to reply to a command, and to take a message's content."""

    connect: float = 10
    reply: float = 30
    end_of_data: float = 120


class Reply(NamedTuple):
    code: int
    text: str

    @property
    def is_positive(self) -> bool:
        return 200 <= self.code < 300

    @property
    def is_negative(self) -> bool:
        return self.code >= 400

    @property
    def is_permanent(self) -> bool:
        return self.code >= 500

    def __str__(self) -> str:
        return headers.clean(f"{self.code} {self.text}")[:_MAX_REASON]


class SmtpConnection(asyncio.Protocol):
    """`failure` is the reason why the connection cannot be used any more; None while it can."""

    def __init__(self) -> None:
        self.failure: str | None = None
        self.timed_out = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._unread = b""
        self._lines: list[str] = []
        self._replies: deque[Reply] = deque()
        self._awaited_replies = 0
        self._waiter: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed = asyncio.Event()

    @property
    def is_idle(self) -> bool:
        """Return whether the connection is open and nothing unrequested has arrived, such as a server's 421."""
        return self.failure is None and not self._replies and not self._unread

    @property
    def address_literal(self) -> str:
        """Return the address by which a client without a domain names itself (RFC 5321 4.1.3)."""
        assert self._transport is not None
        host = str(self._transport.get_extra_info("sockname")[0])
        return f"[IPv6:{host}]" if ":" in host else f"[{host}]"

    async def start_tls(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        assert self._transport is not None
        encrypted = await self._loop.start_tls(
            self._transport, self, context, server_hostname=host, ssl_handshake_timeout=seconds
        )
        if encrypted is None:
            raise ConnectionError("closed")
        self._transport = encrypted

    def write(self, data: bytes) -> None:
        if self.failure is None and self._transport is not None:
            self._transport.write(data)

    async def drain(self, seconds: float) -> None:
        """Wait until the operating system has taken nearly all that was written."""
        try:
            async with asyncio.timeout(seconds):
                await self._writable.wait()
        except TimeoutError:
            self._time_out()

    async def read_replies(self, count: int, seconds: float) -> list[Reply]:
        """Return the next `count` replies, or fewer when the connection fails."""
        if len(self._replies) < count and self.failure is None:
            self._awaited_replies = count
            self._waiter = self._loop.create_future()
            timer = self._loop.call_later(seconds, self._time_out)
            try:
                await self._waiter
            finally:
                self._waiter = None
                timer.cancel()
        return [self._replies.popleft() for _ in range(min(count, len(self._replies)))]

    async def read_reply(self, seconds: float) -> Reply | None:
        """Return the next reply, or None when the connection fails."""
        return next(iter(await self.read_replies(1, seconds)), None)

    async def close(self, seconds: float) -> None:
        if self._transport is not None:
            self._transport.close()
            try:
                async with asyncio.timeout(seconds):
                    await self._closed.wait()
            except TimeoutError:
                self._transport.abort()
                await self._closed.wait()

    def abort(self, reason: str) -> None:
        """Break the connection off, with this reason as its failure unless it failed before."""
        if self.failure is None:
            self.failure = reason
        if self._transport is not None:
            self._transport.abort()
        self._writable.set()
        self._wake()

    def _time_out(self) -> None:
        self.timed_out = True
        self.abort("The mail server did not answer in time")

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # it is one, though uvloop's does not derive from it

    def connection_lost(self, exc: Exception | None) -> None:
        if self.failure is None:
            self.failure = f"The mail server {'closed' if exc is None else 'broke'} the connection"
        self._closed.set()
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            code, separator = line[:3], line[3:4]
            if not code.isdigit() or len(code) < 3 or len(self._lines) > _MAX_REPLIES:
                self.abort("The mail server does not speak SMTP")
                return
            self._lines.append(line[4:].decode("utf-8", "replace").rstrip())
            if separator != b"-":
                self._replies.append(Reply(int(code), "\n".join(self._lines)))
                self._lines = []
        if len(self._unread) > _MAX_LINE or len(self._replies) > _MAX_REPLIES:
            self.abort("The mail server sent more than SMTP allows")
        elif len(self._replies) >= self._awaited_replies:
            self._wake()
