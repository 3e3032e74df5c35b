"""A connection that speaks in lines: commands go out, replies come back in order, and every wait is bounded."""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

from channels.email import headers

_LONGEST_LINE: Final = 8_192
_MOST_REPLIES: Final = 100
_SHOWN: Final = 300


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that a server has for each thing."""

    connect: float = 10
    reply: float = 30
    after_dot: float = 120


class Reply(NamedTuple):
    code: int
    text: str

    @property
    def is_consent(self) -> bool:
        return 200 <= self.code < 300

    @property
    def is_refusal(self) -> bool:
        return self.code >= 400

    @property
    def is_final(self) -> bool:
        return self.code >= 500

    def __str__(self) -> str:
        return headers.clean(f"{self.code} {self.text}")[:_SHOWN]


class SmtpConnection(asyncio.Protocol):
    """`broken` says why nothing more can come of this connection; it is None while all is well."""

    def __init__(self) -> None:
        self.broken: str | None = None
        self.timed_out = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._unread = b""
        self._lines: list[str] = []
        self._replies: deque[Reply] = deque()
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._lost = asyncio.Event()

    @property
    def is_quiet(self) -> bool:
        """Whether it stands open with nothing unasked-for in it, such as a farewell."""
        return self.broken is None and not self._replies and not self._unread

    @property
    def local_host(self) -> str:
        assert self._transport is not None
        host = str(self._transport.get_extra_info("sockname")[0])
        return f"[IPv6:{host}]" if ":" in host else f"[{host}]"

    async def secure(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        assert self._transport is not None
        secured = await self._loop.start_tls(
            self._transport, self, context, server_hostname=host, ssl_handshake_timeout=seconds
        )
        if secured is None:
            raise ConnectionError("closed")
        self._transport = secured

    def write(self, data: bytes) -> None:
        if self.broken is None and self._transport is not None:
            self._transport.write(data)

    async def flushed(self, seconds: float) -> None:
        """Waits until the system has taken nearly all that was written."""
        try:
            async with asyncio.timeout(seconds):
                await self._writable.wait()
        except TimeoutError:
            self._give_up()

    async def replies(self, count: int, seconds: float) -> list[Reply]:
        """The next replies: `count` of them, or fewer and `broken` has the reason."""
        if len(self._replies) < count and self.broken is None:
            self._wanted = count
            self._waiter = self._loop.create_future()
            alarm = self._loop.call_later(seconds, self._give_up)
            try:
                await self._waiter
            finally:
                self._waiter = None
                alarm.cancel()
        return [self._replies.popleft() for _ in range(min(count, len(self._replies)))]

    async def reply(self, seconds: float) -> Reply | None:
        return next(iter(await self.replies(1, seconds)), None)

    async def close(self, seconds: float) -> None:
        if self._transport is not None:
            self._transport.close()
            try:
                async with asyncio.timeout(seconds):
                    await self._lost.wait()
            except TimeoutError:
                self._transport.abort()
                await self._lost.wait()

    def fail(self, reason: str) -> None:
        """Ends the connection, for this reason."""
        if self.broken is None:
            self.broken = reason
        if self._transport is not None:
            self._transport.abort()
        self._writable.set()
        self._wake()

    def _give_up(self) -> None:
        self.timed_out = True
        self.fail("The mail server did not answer in time.")

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # it is one, though uvloop's does not derive from it

    def connection_lost(self, exc: Exception | None) -> None:
        if self.broken is None:
            how = "closed" if exc is None else "broke"
            self.broken = f"The mail server {how} the connection."
        self._lost.set()
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            if not self._take(line):
                self.fail("The mail server does not speak SMTP.")
                return
        if len(self._unread) > _LONGEST_LINE or len(self._replies) > _MOST_REPLIES:
            self.fail("The mail server said more than SMTP allows.")
        elif len(self._replies) >= self._wanted:
            self._wake()

    def _take(self, line: bytes) -> bool:
        code, more = line[:3], line[3:4]
        if not code.isdigit() or len(code) < 3 or len(self._lines) > _MOST_REPLIES:
            return False
        self._lines.append(line[4:].decode("utf-8", "replace").rstrip())
        if more != b"-":
            self._replies.append(Reply(int(code), "\n".join(self._lines)))
            self._lines = []
        return True
