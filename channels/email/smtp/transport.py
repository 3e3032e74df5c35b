"""Sends messages to a mail server over a few sessions that stay open between batches."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from muster_sdk import Message, NotSent, Report, Unreachable

from channels.email.settings import EmailSettings
from channels.email.smtp.connection import Timeouts
from channels.email.smtp.handshake import open_session
from channels.email.smtp.session import OutgoingMessage, SmtpSession

_MAX_SESSIONS: Final = 4
_MESSAGES_PER_SESSION: Final = 10  # fewer are sent sooner over a session that is open already
_PATIENCE: Final = 0.05  # seconds; a server that has not taken them by then gets them over all sessions
_CLOSE_SECONDS: Final = 2


@asynccontextmanager
async def connect(
    settings: EmailSettings, *, timeouts: Timeouts | None = None, tls: ssl.SSLContext | None = None
) -> AsyncGenerator["SmtpTransport"]:
    """Yield a transport with an open session. Raise Unreachable. `tls` replaces the system's trust."""
    transport = SmtpTransport(settings, timeouts or Timeouts(), tls)
    try:
        await transport.open()
        yield transport
    finally:
        await transport.close()


class SmtpTransport:
    def __init__(self, settings: EmailSettings, timeouts: Timeouts, tls: ssl.SSLContext | None) -> None:
        self._settings = settings
        self._timeouts = timeouts
        self._tls = tls
        self._idle: list[SmtpSession] = []

    async def open(self) -> None:
        self._idle.append(await open_session(self._settings, self._timeouts, self._tls))

    async def close(self) -> None:
        async def quit_session(session: SmtpSession) -> None:
            session.connection.write(b"QUIT\r\n")
            await session.connection.read_reply(_CLOSE_SECONDS)
            await session.connection.close(_CLOSE_SECONDS)

        await asyncio.gather(*(quit_session(session) for session in self._idle))
        self._idle.clear()

    async def send(self, messages: Sequence[Message], report: Report) -> None:
        """Send the messages over as many sessions as the server's pace asks for."""
        outgoing = [OutgoingMessage(message, report) for message in messages]
        queue = deque(outgoing)
        most = min(_MAX_SESSIONS, len(outgoing))
        at_once = min(most, -(-len(outgoing) // _MESSAGES_PER_SESSION))
        async with asyncio.TaskGroup() as group:
            deliveries = [group.create_task(self._deliver(queue)) for _ in range(at_once)]
            if deliveries and at_once < most:
                _, unfinished = await asyncio.wait(deliveries, timeout=_PATIENCE)
                if unfinished and queue:
                    deliveries += [group.create_task(self._deliver(queue)) for _ in range(most - at_once)]
        failure = next((reason for delivery in deliveries if (reason := delivery.result())), None)
        if failure is not None:
            for message in queue:
                message.end(NotSent(failure))

    async def _deliver(self, queue: deque[OutgoingMessage]) -> str | None:
        """Send messages until none may begin or is left, over as many sessions as that takes; return what failed."""
        while queue:
            try:
                session = await self._acquire_session()
            except Unreachable as error:
                return error.reason
            transactions = session.transactions
            try:
                await session.deliver(queue, _MAX_SESSIONS - 1)
            except BaseException:
                session.connection.abort("given up")
                raise
            if session.connection.failure is None:
                self._idle.append(session)
                return None
            await session.connection.close(_CLOSE_SECONDS)
            if session.stopped:
                return None
            # A server may limit a session's messages or its idle time: another one continues, unless it gets nowhere.
            progressed = session.transactions > transactions or session.was_idle
            if session.connection.timed_out or not progressed:
                return session.connection.failure
        return None

    async def _acquire_session(self) -> SmtpSession:
        while self._idle:
            session = self._idle.pop()
            if session.connection.is_idle:
                session.was_idle = True
                return session
            session.connection.abort("closed while idle")
            await session.connection.close(_CLOSE_SECONDS)
        return await open_session(self._settings, self._timeouts, self._tls)
