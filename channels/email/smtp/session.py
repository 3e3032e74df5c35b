"""One SMTP session: from the greeting to the last message's reply."""

import re
from collections import deque
from dataclasses import dataclass
from typing import Final

from muster_sdk import Accepted, Ambiguous, NotSent, Outcome, Rejected, TryAgain

from channels.email.smtp.connection import Reply, SmtpConnection, Timeouts

_LARGE: Final = 65_536  # bytes: beyond, the final dot waits until the rest has left
_CLOSING: Final = 421
_QUEUED = re.compile(r"\bqueued as ([\w.@-]{1,200})|\bid=([\w.-]{1,200})", re.IGNORECASE)


@dataclass(slots=True)
class OutgoingMessage:
    """One message on its way. `outcome` is None until it is known."""

    address: str
    data: bytes
    outcome: Outcome | None = None

    def refuse(self, reply: Reply) -> None:
        reason = str(reply).replace(self.address, "the recipient")
        self.outcome = Rejected(reason) if reply.is_final else TryAgain(reason)


class SmtpSession:
    """Never are two messages past their final dots unanswered: at most one can be in doubt."""

    def __init__(self, wire: SmtpConnection, offers: frozenset[str], sender: str, patience: Timeouts) -> None:
        self.wire = wire
        self.answered = 0
        self.has_rested = False
        self._pipelining = "PIPELINING" in offers
        self._utf8 = "SMTPUTF8" in offers
        self._sender = sender
        self._patience = patience

    async def deliver(self, jobs: deque[OutgoingMessage]) -> None:
        """Takes jobs until there are none, or the connection breaks; what was not begun stays."""
        sent: OutgoingMessage | None = None
        first = b""  # the content of the job before, or what resets the session after a refusal
        while first or jobs:
            job = self._next(jobs)
            replies = await self._exchange(first, sent, job)
            if first:
                self._conclude(sent, replies.pop(0) if replies else None)
            if job is None:
                return
            if self.wire.broken and not replies and (self.answered or self.has_rested):
                jobs.appendleft(job)  # the server has had enough of this connection, not of this message
                return
            sent, first = self._judge(job, replies)
            if self.wire.broken:
                _settle(sent, NotSent(self.wire.broken))
                return

    def _next(self, jobs: deque[OutgoingMessage]) -> OutgoingMessage | None:
        while jobs:
            job = jobs.popleft()
            if self._utf8 or job.address.isascii():
                return job
            job.outcome = Rejected("The mail server takes no addresses with letters outside ASCII (SMTPUTF8).")
        return None

    async def _exchange(self, first: bytes, sent: OutgoingMessage | None, job: OutgoingMessage | None) -> list[Reply]:
        envelope = self._envelope(job) if job else ()
        if sent is not None and len(first) > _LARGE:
            self.wire.write(first)
            await self.wire.flushed(self._patience.after_dot)
            if self.wire.broken:
                sent.outcome = NotSent(self.wire.broken)
                return []
            first = b""
        dot = b".\r\n" if sent is not None else b""
        seconds = self._patience.after_dot if sent is not None else self._patience.reply
        opening = first + dot
        if not self._pipelining:
            return await self._step_by_step(opening, envelope, seconds)
        self.wire.write(b"".join((opening, *envelope)))
        return await self.wire.replies(bool(opening) + len(envelope), seconds)

    async def _step_by_step(self, opening: bytes, envelope: tuple[bytes, ...], seconds: float) -> list[Reply]:
        replies: list[Reply] = []
        if opening:
            self.wire.write(opening)
            replies += await self.wire.replies(1, seconds)
        for command in envelope:
            self.wire.write(command)
            reply = await self.wire.reply(self._patience.reply)
            if reply is None:
                break
            replies.append(reply)
            if reply.is_refusal:
                break
        return replies

    def _envelope(self, job: OutgoingMessage) -> tuple[bytes, ...]:
        utf8 = "" if job.address.isascii() and self._sender.isascii() else " SMTPUTF8"
        return (
            f"MAIL FROM:<{self._sender}>{utf8}\r\n".encode(),
            f"RCPT TO:<{job.address}>\r\n".encode(),
            b"DATA\r\n",
        )

    def _judge(self, job: OutgoingMessage, replies: list[Reply]) -> tuple[OutgoingMessage | None, bytes]:
        """What to send next: the content where the server awaits it, or what brings it back to the start."""
        refusal = next((reply for reply in replies if reply.is_refusal), None)
        awaits_content = len(replies) == 3 and replies[2].code == 354
        if refusal is not None:
            job.refuse(refusal)
            if any(reply.code == _CLOSING for reply in replies):
                self.wire.fail(str(refusal))
            # RFC 2920: content that is awaited after all, for nobody, is empty.
            return None, b".\r\n" if awaits_content else b"RSET\r\n"
        if awaits_content:
            return job, stuffed(job.data)
        self.wire.fail("The mail server does not speak SMTP.")
        job.outcome = NotSent(self.wire.broken or "")
        return None, b""

    def _conclude(self, sent: OutgoingMessage | None, reply: Reply | None) -> None:
        if reply is not None and reply.code == _CLOSING:
            self.wire.fail(str(reply))
        if sent is None:
            return
        if reply is None:
            _settle(sent, Ambiguous(f"{self.wire.broken} The message had been handed over."))
            return
        self.answered += 1
        if reply.is_refusal:
            sent.refuse(reply)
        elif reply.is_consent:
            sent.outcome = Accepted(_queue_id(reply))
        else:
            sent.outcome = Ambiguous(f"The mail server's answer says neither yes nor no: {reply}")


def _settle(job: OutgoingMessage | None, outcome: Outcome) -> None:
    if job is not None and job.outcome is None:
        job.outcome = outcome


def stuffed(data: bytes) -> bytes:
    """The content without its final dot, and with no line that could be taken for it (RFC 5321 4.5.2)."""
    if b"\n." in data:
        data = data.replace(b"\r\n.", b"\r\n..")
    if data.startswith(b"."):
        data = b"." + data
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def _queue_id(reply: Reply) -> str | None:
    match = _QUEUED.search(reply.text)
    return match[1] or match[2] if match else None
