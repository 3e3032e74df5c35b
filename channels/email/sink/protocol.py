"""The server's side of SMTP, as much of it as a sink needs."""

import asyncio
import re
import ssl
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Final, TypeAlias, cast

Verdict: TypeAlias = Callable[[str], str | None]
"""Decides on an address: None (accepted), a reply such as "550 no", or one of the faults below."""

CLOSE: Final = "close"
HANG: Final = "hang"
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)


def accept(_recipient: str) -> str | None:
    return None


@dataclass(frozen=True)
class SinkBehavior:
    """Sets how a sink answers. The verdicts decide at MAIL, of the sender, at RCPT, at DATA and at the end of data.

    A message is answered `delay` seconds after it was accepted: its session answers nothing else meanwhile.
    """

    at_mail: Verdict = accept
    at_rcpt: Verdict = accept
    at_data: Verdict = accept
    at_end_of_data: Verdict = accept
    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME")
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    credentials: tuple[str, str] | None = None
    messages_per_session: int | None = None
    delay: float = 0


@dataclass
class SinkMailbox:
    """The messages that all sessions have accepted. A message is in it before its sender gets the reply."""

    store_messages: bool
    log: IO[bytes] | None
    count: int = 0
    connections: int = 0
    messages: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])

    def add(self, recipients: list[str], content: bytes) -> None:
        self.count += len(recipients)
        if self.store_messages:
            self.messages += [(recipient, content) for recipient in recipients]
        if self.log is not None:
            match = _MESSAGE_ID.search(content)
            message_id = match[1].decode("ascii", "replace") if match else "-"
            self.log.write("".join(f"{recipient} {message_id}\n" for recipient in recipients).encode())


class SinkSession(asyncio.Protocol):
    def __init__(self, behavior: SinkBehavior, mailbox: SinkMailbox, sessions: "set[SinkSession]") -> None:
        self.ended = asyncio.Event()
        self._behavior = behavior
        self._mailbox = mailbox
        self._sessions = sessions
        self._transport: asyncio.Transport | None = None
        self._upgrade: asyncio.Task[None] | None = None
        self._unread = b""
        self._searched = 0  # bytes of unread content that hold no end of data
        self._has_sender = False
        self._recipients: list[str] = []
        self._in_data = False
        self._ignores_input = False
        self._is_delaying = False
        self._messages = 0
        self._awaited_credentials: list[str] = []  # of AUTH LOGIN
        self._replies: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # it is one, though uvloop's does not derive from it
        self._sessions.add(self)
        self._mailbox.connections += 1
        self._transport.write(b"220 sink ESMTP\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._end()

    def _end(self) -> None:
        self._sessions.discard(self)
        self.ended.set()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._ignores_input:
            return
        self._unread += data
        self._proceed()

    def _proceed(self) -> None:
        # What arrives while TLS starts is answered over the encrypted transport.
        while self._unread and not self._ignores_input and not self._is_delaying and self._upgrade is None:
            if self._in_data:
                if not self._take_message():
                    break
                continue
            line, newline, rest = self._unread.partition(b"\n")
            if not newline:
                break
            self._unread = rest
            self._handle(line.decode("utf-8", "replace").rstrip("\r"))
        self._flush()

    def _flush(self) -> None:
        if self._replies and self._transport is not None:
            self._transport.write("".join(f"{line}\r\n" for line in self._replies).encode())
            self._replies.clear()

    def _take_message(self) -> bool:
        """Answer the message whose end of data has arrived; return False while it has not."""
        if self._unread.startswith(b".\r\n"):
            end = 0
        else:
            end = self._unread.find(b"\r\n.\r\n", self._searched) + 2
            if end == 1:
                self._searched = max(0, len(self._unread) - 4)
                return False
        content, self._unread, self._searched = self._unread[:end], self._unread[end + 3 :], 0
        self._in_data = False
        verdicts = [self._behavior.at_end_of_data(recipient) for recipient in self._recipients]
        refusal = next((verdict for verdict in verdicts if verdict), None)
        if not self._recipients:
            self._reply("554 no valid recipients")
        elif refusal is not None:
            self._reply(refusal)
        else:
            self._mailbox.add(self._recipients, content.replace(b"\r\n..", b"\r\n."))
            self._messages += 1
            reply = f"250 2.0.0 Ok: queued as {self._mailbox.count:X}"
            if self._behavior.delay:
                self._is_delaying = True
                asyncio.get_running_loop().call_later(self._behavior.delay, self._answer_late, reply)
            else:
                self._answer_accepted(reply)
        self._recipients = []
        return True

    def _answer_accepted(self, reply: str) -> None:
        self._reply(reply)
        if self._messages == self._behavior.messages_per_session:
            self._reply(CLOSE)

    def _answer_late(self, reply: str) -> None:
        self._is_delaying = False
        if not self.ended.is_set():
            self._answer_accepted(reply)
            self._proceed()

    def _reply(self, verdict: str) -> None:
        if verdict in {CLOSE, HANG}:
            self._ignores_input = True
            self._flush()
            if verdict == CLOSE and self._transport is not None:
                self._transport.close()
        else:
            self._replies.append(verdict)

    def _handle(self, line: str) -> None:
        verb, _, argument = line.partition(" ")
        if self._awaited_credentials:
            is_right = b64decode(line).decode() == self._awaited_credentials.pop(0)
            if not is_right and not self._awaited_credentials:
                self._reply("535 5.7.8 Wrong")
            else:
                self._reply("334 UGFzc3dvcmQ6" if self._awaited_credentials else "235 2.7.0 Ok")
            return
        match verb.upper():
            case "MAIL":
                self._recipients = []
                sender = argument.partition("<")[2].rpartition(">")[0]
                refusal = self._behavior.at_mail(sender)
                self._has_sender = refusal is None
                self._reply(refusal or "250 2.1.0 Ok")
            case "RCPT" if not self._has_sender:
                self._reply("503 5.5.1 MAIL first")
            case "RCPT":
                recipient = argument.partition("<")[2].rpartition(">")[0]
                refusal = self._behavior.at_rcpt(recipient)
                if refusal is None:
                    self._recipients.append(recipient)
                self._reply(refusal or "250 2.1.5 Ok")
            case "DATA" if self._recipients:
                verdicts = map(self._behavior.at_data, self._recipients)
                refusal = next((verdict for verdict in verdicts if verdict), None)
                self._in_data = refusal is None
                self._reply(refusal or "354 End with a dot")
            case "DATA":
                self._reply("554 5.5.1 No valid recipients")
            case command:
                self._handle_outside_of_transaction(command, argument)

    def _handle_outside_of_transaction(self, command: str, argument: str) -> None:
        match command:
            case "EHLO" | "HELO":
                lines = ["sink", *self._behavior.extensions]
                self._replies += [*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]
            case "RSET":
                self._recipients = []
                self._reply("250 2.0.0 Ok")
            case "NOOP":
                self._reply("250 2.0.0 Ok")
            case "STARTTLS" if self._behavior.tls is not None and self._transport is not None:
                self._reply("220 2.0.0 Go ahead")
                self._flush()
                self._unread = b""
                self._transport.pause_reading()
                self._upgrade = asyncio.create_task(self._start_tls(self._transport, self._behavior.tls))
            case "AUTH" if self._behavior.credentials is not None and argument.startswith("LOGIN"):
                self._awaited_credentials = list(self._behavior.credentials)
                self._reply("334 VXNlcm5hbWU6")
            case "AUTH" if self._behavior.credentials is not None:
                _mechanism, initial_response = argument.split(" ", 1)
                credentials = tuple(b64decode(initial_response).decode().split("\0")[1:])
                self._reply("235 2.7.0 Ok" if credentials == self._behavior.credentials else "535 5.7.8 Wrong")
            case "QUIT":
                self._reply("221 2.0.0 Bye")
                self._reply(CLOSE)
            case _:
                self._reply("502 5.5.2 No such command")

    async def _start_tls(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        try:
            encrypted = await asyncio.get_running_loop().start_tls(transport, self, context, server_side=True)
        except OSError:
            self._end()
            return
        self._transport, self._upgrade = encrypted, None
        self._proceed()
