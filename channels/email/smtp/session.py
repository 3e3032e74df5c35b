"""The mail transactions of one SMTP session, pipelined where the server offers it."""

import re
from collections import deque
from dataclasses import dataclass
from typing import Final

from muster_sdk import Accepted, AccountRefused, Ambiguous, Message, NotSent, Outcome, Rejected, Report, TryAgain

from channels.email.message.composer import ComposedEmail
from channels.email.smtp.connection import Reply, SmtpConnection, Timeouts

_LARGE: Final = 65_536  # bytes: beyond, the end of data waits until the content has left
_SERVICE_CLOSING: Final = 421
_START_MAIL_INPUT: Final = 354
_END_OF_DATA: Final = b".\r\n"
_QUEUE_ID = re.compile(r"\bqueued as ([\w.@-]{1,200})|\bid=([\w.-]{1,200})", re.IGNORECASE)


@dataclass(slots=True)
class OutgoingMessage:
    """A message to send. It begins when its end of data is written, and ends with its outcome, once."""

    message: Message
    report: Report
    begun: bool = False
    ended: bool = False

    @property
    def address(self) -> str:
        return self.message.address

    @property
    def data(self) -> bytes:
        assert isinstance(self.message.body, ComposedEmail)
        return self.message.body.data

    def begin(self) -> bool:
        """Return whether its end of data may be written."""
        self.begun = self.report.begin(self.message)
        return self.begun

    def end(self, outcome: Outcome) -> None:
        if not self.ended:
            self.ended = True
            self.report.end(self.message, outcome)

    def refuse(self, reply: Reply) -> None:
        reason = str(reply).replace(self.address, "the recipient")
        self.end(Rejected(reason) if reply.is_permanent else TryAgain(reason))


class SmtpSession:
    """Never leaves the end of data of two messages unanswered, so that at most one outcome is ambiguous."""

    def __init__(self, connection: SmtpConnection, extensions: frozenset[str], sender: str, timeouts: Timeouts) -> None:
        self.connection = connection
        self.transactions = 0  # completed: the server has answered the end of data
        self.was_idle = False
        self.stopped = False  # nothing more may begin
        self._has_pipelining = "PIPELINING" in extensions
        self._has_smtputf8 = "SMTPUTF8" in extensions
        self._sender = sender
        self._timeouts = timeouts

    async def deliver(self, queue: deque[OutgoingMessage], others: int = 0) -> None:
        """Send messages until the queue is empty, the connection fails or none may begin; what did not, stays in it.

        The last messages are not taken ahead of time, so that each of the `others` can have one.
        """
        current: OutgoingMessage | None = None
        pending = b""  # the current message's content, or what ends the transaction of one that was refused
        while pending or queue:
            while queue and not (self._has_smtputf8 or queue[0].address.isascii()):
                reason = "The mail server takes no addresses with letters outside ASCII (SMTPUTF8)"
                queue.popleft().end(Rejected(reason))
            following = queue.popleft() if queue and (not pending or len(queue) > others) else None
            replies = await self._exchange(pending, current, following)
            if pending:
                self._complete(current, replies.pop(0) if replies else None)
            if following is None:
                if self.stopped or self.connection.failure:
                    return
                current, pending = None, b""
                continue
            ended_between = not replies and (self.transactions or self.was_idle)
            if self.stopped or (self.connection.failure and ended_between):
                # The server limits its sessions' messages or idle time; nothing is wrong with this message.
                queue.appendleft(following)
                return
            if self._refuses_account(replies):
                following.end(AccountRefused(str(replies[0])))
                self.stopped = True
                self.connection.abort(str(replies[0]))
                # None of them is to blame; they are sent later.
                queue.clear()
                return
            current, pending = self._answer_envelope(following, replies)
            if self.connection.failure:
                if current is not None:
                    current.end(NotSent(self.connection.failure))
                return

    async def _exchange(
        self, pending: bytes, current: OutgoingMessage | None, following: OutgoingMessage | None
    ) -> list[Reply]:
        """Send what is pending and the following message's envelope, and return the replies.

        They are fewer when the connection fails or, without pipelining, when a command of the envelope is refused.
        """
        if current is not None and len(pending) > _LARGE:
            self.connection.write(pending)
            await self.connection.drain(self._timeouts.end_of_data)
            if self.connection.failure:
                current.end(NotSent(self.connection.failure))
                return []
            pending = b""
        if current is not None and not current.begin():
            # The server waits for the content: only the connection's end tells it that none will come.
            self.stopped = True
            self.connection.abort("stopped")
            return []
        end_of_data = _END_OF_DATA if current is not None else b""
        seconds = self._timeouts.end_of_data if current is not None else self._timeouts.reply
        opening = pending + end_of_data
        commands = [opening] if opening else []
        if following is not None:
            smtputf8 = "" if following.address.isascii() and self._sender.isascii() else " SMTPUTF8"
            commands += [
                f"MAIL FROM:<{self._sender}>{smtputf8}\r\n".encode(),
                f"RCPT TO:<{following.address}>\r\n".encode(),
                b"DATA\r\n",
            ]
        if self._has_pipelining:
            self.connection.write(b"".join(commands))
            return await self.connection.read_replies(len(commands), seconds)
        replies: list[Reply] = []
        for command in commands:
            self.connection.write(command)
            reply = await self.connection.read_reply(seconds if command is opening else self._timeouts.reply)
            if reply is None:
                break
            replies.append(reply)
            if reply.is_negative and command is not opening:
                break
        return replies

    def _refuses_account(self, replies: list[Reply]) -> bool:
        """Return whether the server refuses the sender, whoever the recipient is.

        A server that ends a session which has delivered limits its messages; another session goes on.
        """
        return (
            bool(replies) and replies[0].is_negative and (replies[0].code != _SERVICE_CLOSING or not self.transactions)
        )

    def _answer_envelope(self, message: OutgoingMessage, replies: list[Reply]) -> tuple[OutgoingMessage | None, bytes]:
        """Return what to send next: the message and its content, or no message and what ends its transaction."""
        refusal = next((reply for reply in replies if reply.is_negative), None)
        awaits_content = len(replies) == 3 and replies[2].code == _START_MAIL_INPUT
        if refusal is not None:
            message.refuse(refusal)
            if any(reply.code == _SERVICE_CLOSING for reply in replies):
                self.connection.abort(str(refusal))
            # RFC 2920: content that is awaited although every recipient was refused is empty.
            return None, _END_OF_DATA if awaits_content else b"RSET\r\n"
        if awaits_content:
            return message, dot_stuffed(message.data)
        self.connection.abort("The mail server does not speak SMTP")
        message.end(NotSent(self.connection.failure or ""))
        return None, b""

    def _complete(self, message: OutgoingMessage | None, reply: Reply | None) -> None:
        """Set the message's outcome by the reply to its end of data; None is a transaction without a message."""
        if reply is not None and reply.code == _SERVICE_CLOSING:
            self.connection.abort(str(reply))
        if message is None:
            return
        if reply is None:
            if message.begun:
                message.end(Ambiguous(f"{self.connection.failure}; the message had been handed over"))
            return
        self.transactions += 1
        if reply.is_negative:
            message.refuse(reply)
        elif reply.is_positive:
            queue_id = _QUEUE_ID.search(reply.text)
            message.end(Accepted(queue_id[1] or queue_id[2] if queue_id else None))
        else:
            message.end(Ambiguous(f"The mail server's answer is neither positive nor negative: {reply}"))


def dot_stuffed(data: bytes) -> bytes:
    """Return the content such that none of its lines can be taken for the end of data (RFC 5321 4.5.2)."""
    if b"\n." in data:
        data = data.replace(b"\r\n.", b"\r\n..")
    if data.startswith(b"."):
        data = b"." + data
    return data if data.endswith(b"\r\n") else data + b"\r\n"
