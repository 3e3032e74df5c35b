"""The way to a mail server: a few sessions, kept open and shared out."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from muster_sdk import Message, NotSent, Outcome, Unreachable

from channels.email.message.composer import Body
from channels.email.settings import EmailSettings
from channels.email.smtp.connection import Timeouts
from channels.email.smtp.handshake import open_session
from channels.email.smtp.session import OutgoingMessage, SmtpSession

_MOST_SESSIONS: Final = 4
_WORTH_A_SESSION: Final = 10  # messages; fewer go quicker over a session that stands
_FAREWELL: Final = 2  # seconds


@asynccontextmanager
async def connect(
    settings: EmailSettings, *, patience: Timeouts | None = None, tls: ssl.SSLContext | None = None
) -> AsyncGenerator["SmtpTransport"]:
    """`tls` replaces the system's trust."""
    transport = SmtpTransport(settings, patience or Timeouts(), tls)
    try:
        await transport.open()
        yield transport
    finally:
        await transport.close()


class SmtpTransport:
    def __init__(self, settings: EmailSettings, patience: Timeouts, tls: ssl.SSLContext | None) -> None:
        self._settings = settings
        self._patience = patience
        self._tls = tls
        self._idle: list[SmtpSession] = []

    async def open(self) -> None:
        self._idle.append(await open_session(self._settings, self._patience, self._tls))

    async def close(self) -> None:
        await asyncio.gather(*(_farewell(session) for session in self._idle))
        self._idle.clear()

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        jobs = [_job(message) for message in messages]
        waiting = deque(jobs)
        lanes = min(_MOST_SESSIONS, -(-len(jobs) // _WORTH_A_SESSION))
        reasons = await asyncio.gather(*(self._work(waiting) for _ in range(lanes)))
        untouched = NotSent(next((reason for reason in reasons if reason), "The mail server closed the connection."))
        return [job.outcome or untouched for job in jobs]

    async def _work(self, waiting: deque[OutgoingMessage]) -> str | None:
        """Delivers until nothing waits; or why it could not."""
        while waiting:
            try:
                session = await self._session()
            except Unreachable as error:
                return error.reason
            answered = session.answered
            try:
                await session.deliver(waiting)
            except BaseException:
                session.wire.fail("given up")
                raise
            if session.wire.broken is None:
                self._idle.append(session)
                return None
            await session.wire.close(_FAREWELL)
            # A server may bound a session's messages or its rest: a new one goes on, as long as each gets somewhere.
            if session.wire.timed_out or not (session.answered > answered or session.has_rested):
                return session.wire.broken
        return None

    async def _session(self) -> SmtpSession:
        while self._idle:
            session = self._idle.pop()
            if session.wire.is_quiet:
                session.has_rested = True
                return session
            session.wire.fail("closed while idle")
            await session.wire.close(_FAREWELL)
        return await open_session(self._settings, self._patience, self._tls)


def _job(message: Message) -> OutgoingMessage:
    assert isinstance(message.body, Body)
    return OutgoingMessage(message.address, message.body.data)


async def _farewell(session: SmtpSession) -> None:
    session.wire.write(b"QUIT\r\n")
    await session.wire.reply(_FAREWELL)
    await session.wire.close(_FAREWELL)
