"""Frames between a process and its channel's: pickled commands to the child, JSON reports from it."""

import pickle
import socket
import struct
from asyncio import IncompleteReadError, StreamReader
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import orjson
from muster_sdk import Recipient

from domain.sessions.calls import CallContext, ChannelCall

_LENGTH = struct.Struct("!I")
# Of a report: the rest of a process's words would be this one's memory.
_MOST_BYTES = 64_000_000


class Kind(StrEnum):
    """Kinds of reports."""

    ALIVE = "alive"
    OPENED = "opened"
    CHECKED = "checked"
    REFUSED = "refused"
    SHOWN = "shown"
    CONNECTED = "connected"
    UNREACHABLE = "unreachable"
    TARGET_REFUSED = "target_refused"
    NO_JOURNAL = "no_journal"
    BEGUN = "begun"
    ENDED = "ended"
    SENT = "sent"
    BROKEN = "broken"
    ANSWERED = "answered"
    CALL_REFUSED = "call_refused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Open:
    """Prepare content. Settings are as they are sealed: by alias, with their secrets; None is the sandbox."""

    settings: Mapping[str, object] | None
    content: Mapping[str, object]
    state: Mapping[str, Any]
    webhook_url: str | None


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """CheckSettings settings, outside of a session."""

    settings: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Show:
    recipient: Recipient


@dataclass(frozen=True, slots=True)
class Connect:
    journal: str | None


@dataclass(frozen=True, slots=True)
class Send:
    """Send messages, none of which begins behind the deadline: a time of the machine's monotonic clock.

    With a spread, none begins so many seconds after the first.
    """

    recipients: tuple[Recipient, ...]
    deadline: float
    spread: float | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Begin nothing more."""


@dataclass(frozen=True, slots=True)
class Close:
    """End the session, and be ready for another."""


@dataclass(frozen=True, slots=True)
class Call:
    """Call a method of the channel, outside of a session."""

    call: ChannelCall[Any]
    context: CallContext


Command = Call | CheckSettings | Open | Show | Connect | Send | Stop | Close
Report = Mapping[str, Any]


def encode_command(command: Command) -> bytes:
    content = pickle.dumps(command)
    return _LENGTH.pack(len(content)) + content


def commands(connection: socket.socket) -> Iterator[Command]:
    """Return the commands that arrive, until the other side closes."""
    with connection.makefile("rb") as file:
        while len(head := file.read(_LENGTH.size)) == _LENGTH.size:
            (length,) = _LENGTH.unpack(head)
            yield cast("Command", pickle.loads(file.read(length)))  # noqa: S301 - from the process that started this one


def encode_report(kind: Kind, **values: object) -> bytes:
    content = orjson.dumps({"kind": kind.value, **values})
    return _LENGTH.pack(len(content)) + content


async def read_report(reader: StreamReader) -> Report | None:
    """Return the next report, or None when the other side is closed. Raise ValueError for what is no report."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > _MOST_BYTES:
            raise ValueError(f"a report of {length:,} bytes")
        report = cast("Report", orjson.loads(await reader.readexactly(length)))
    except (IncompleteReadError, ConnectionError):
        return None
    if "kind" not in report:
        raise ValueError("a report of no kind")
    return report
