"""The server's side of SMTP, as far as a sink goes."""

import asyncio
import re
import ssl
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Final, TypeAlias, cast

Answer: TypeAlias = Callable[[str], str | None]
"""What becomes of a recipient: None (taken), a reply such as "550 no", or one of the faults below."""

CLOSE: Final = "close"
HANG: Final = "hang"
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)


def accept(_recipient: str) -> str | None:
    return None


@dataclass(frozen=True)
class SinkBehavior:
    """How a sink behaves. `at_rcpt`, `at_data` and `at_end` decide at RCPT, at DATA and after the final dot."""

    at_rcpt: Answer = accept
    at_data: Answer = accept
    at_end: Answer = accept
    offers: tuple[str, ...] = ("PIPELINING", "8BITMIME")
    tls: ssl.SSLContext | None = None
    tls_at_once: bool = False
    credentials: tuple[str, str] | None = None
    session_length: int | None = None  # messages


@dataclass
class SinkMailbox:
    """What all sessions have taken. A message is here before its sender knows."""

    keep: bool
    log: IO[bytes] | None
    count: int = 0
    connections: int = 0
    messages: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])

    def add(self, recipients: list[str], content: bytes) -> None:
        self.count += len(recipients)
        if self.keep:
            self.messages += [(recipient, content) for recipient in recipients]
        if self.log is not None:
            match = _MESSAGE_ID.search(content)
            name = match[1].decode("ascii", "replace") if match else "-"
            self.log.write("".join(f"{recipient} {name}\n" for recipient in recipients).encode())


class SinkSession(asyncio.Protocol):
    def __init__(self, manners: SinkBehavior, taken: SinkMailbox, sessions: "set[SinkSession]") -> None:
        self.ended = asyncio.Event()
        self._manners = manners
        self._taken = taken
        self._sessions = sessions
        self._transport: asyncio.Transport | None = None
        self._upgrade: asyncio.Task[None] | None = None
        self._unread = b""
        self._searched = 0
        self._recipients: list[str] = []
        self._in_content = False
        self._deaf = False
        self._taken_here = 0
        self._expected: list[str] = []  # what AUTH LOGIN has yet to be told
        self._out: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # it is one, though uvloop's does not derive from it
        self._sessions.add(self)
        self._taken.connections += 1
        self._transport.write(b"220 sink ESMTP\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._end_session()

    def _end_session(self) -> None:
        self._sessions.discard(self)
        self.ended.set()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._unread += data
        self._proceed()

    def _proceed(self) -> None:
        # What arrives in the moment of encryption is answered by the encrypted transport.
        while self._unread and not self._deaf and self._upgrade is None:
            if not (self._take_content() if self._in_content else self._take_line()):
                break
        self._answer()

    def _answer(self) -> None:
        if self._out and self._transport is not None:
            self._transport.write("".join(f"{line}\r\n" for line in self._out).encode())
            self._out.clear()

    def _take_line(self) -> bool:
        line, end, rest = self._unread.partition(b"\n")
        if not end:
            return False
        self._unread = rest
        self._obey(line.decode("utf-8", "replace").rstrip("\r"))
        return True

    def _take_content(self) -> bool:
        if self._unread.startswith(b".\r\n"):
            end, after = 0, 3
        else:
            end = self._unread.find(b"\r\n.\r\n", self._searched) + 2
            after = end + 3
        if end == 1:
            self._searched = max(0, len(self._unread) - 4)
            return False
        content, self._unread, self._searched = self._unread[:end], self._unread[after:], 0
        self._in_content = False
        self._end(content)
        return True

    def _end(self, content: bytes) -> None:
        verdicts = [self._manners.at_end(recipient) for recipient in self._recipients]
        verdict = next((verdict for verdict in verdicts if verdict), None)
        if not self._recipients:
            self._say("554 no valid recipients")
        elif verdict is not None:
            self._say(verdict)
        else:
            self._taken.add(self._recipients, content.replace(b"\r\n..", b"\r\n."))
            self._taken_here += 1
            self._say(f"250 2.0.0 Ok: queued as {self._taken.count:X}")
        self._recipients = []
        if self._taken_here == self._manners.session_length:
            self._say(CLOSE)

    def _say(self, verdict: str) -> None:
        if verdict in {CLOSE, HANG}:
            self._deaf = True
            self._answer()
            if verdict == CLOSE and self._transport is not None:
                self._transport.close()
        else:
            self._out.append(verdict)

    def _obey(self, line: str) -> None:
        if self._expected:
            self._hear_credential(line)
            return
        verb, _, rest = line.partition(" ")
        match verb.upper():
            case "MAIL":
                self._recipients = []
                self._say("250 2.1.0 Ok")
            case "RCPT":
                self._rcpt(line.partition("<")[2].rpartition(">")[0])
            case "DATA":
                self._data()
            case _:
                self._obey_rarer(verb.upper(), rest)

    def _obey_rarer(self, verb: str, rest: str) -> None:
        match verb:
            case "EHLO" | "HELO":
                self._greet()
            case "RSET":
                self._recipients = []
                self._say("250 2.0.0 Ok")
            case "NOOP":
                self._say("250 2.0.0 Ok")
            case "STARTTLS" if self._manners.tls is not None:
                self._start_tls(self._manners.tls)
            case "AUTH" if self._manners.credentials is not None:
                self._authenticate(*rest.split(" ", 1))
            case "QUIT":
                self._say("221 2.0.0 Bye")
                self._say(CLOSE)
            case _:
                self._say("502 5.5.2 No such command")

    def _greet(self) -> None:
        lines = ["sink", *self._manners.offers]
        self._out += [f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]

    def _rcpt(self, recipient: str) -> None:
        refusal = self._manners.at_rcpt(recipient)
        if refusal is None:
            self._recipients.append(recipient)
        self._say(refusal or "250 2.1.5 Ok")

    def _data(self) -> None:
        if not self._recipients:
            self._say("554 5.5.1 No valid recipients")
            return
        refusal = next((word for word in map(self._manners.at_data, self._recipients) if word), None)
        self._in_content = refusal is None
        self._say(refusal or "354 End with a dot")

    def _authenticate(self, mechanism: str, initial: str = "") -> None:
        if mechanism == "LOGIN":
            self._expected = list(self._manners.credentials or ())
            self._say("334 VXNlcm5hbWU6")
            return
        given = tuple(b64decode(initial).decode().split("\0")[1:])
        self._say("235 2.7.0 Ok" if given == self._manners.credentials else "535 5.7.8 Wrong")

    def _hear_credential(self, line: str) -> None:
        right = b64decode(line).decode() == self._expected.pop(0)
        if not right and not self._expected:
            self._say("535 5.7.8 Wrong")
        else:
            self._say("334 UGFzc3dvcmQ6" if self._expected else "235 2.7.0 Ok")

    def _start_tls(self, context: ssl.SSLContext) -> None:
        self._say("220 2.0.0 Go ahead")
        self._answer()
        self._unread = b""
        if self._transport is not None:
            self._transport.pause_reading()
            self._upgrade = asyncio.get_running_loop().create_task(self._secured(self._transport, context))

    async def _secured(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        try:
            secured = await asyncio.get_running_loop().start_tls(transport, self, context, server_side=True)
        except OSError:
            self._end_session()
            return
        self._transport, self._upgrade = secured, None
        self._proceed()
