"""A provider that is slow, refuses accounts for a while, resets connections, is down, and answers late or twice.

Its log is the truth: each message that it has accepted, and how often.
"""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from threading import Thread
from time import monotonic

import orjson

RETRY_AFTER = 2
# Of a thousand messages, how many meet what at their first request.
FAULTS = {
    "reset before it is accepted": 8,
    "reset behind it": 8,
    "late": 4,
    "twice": 4,
    "rejected": 10,
    "busy": 10,
}
_LATE = 3.0
_DOWN = 0.5


@dataclass
class AccountLog:
    """What came for an account, and what was accepted."""

    keyed: bool
    # When it is refused, and when it is down: after so many requests.
    refused_at: list[int]
    down_at: list[int]
    requests: list[float] = field(default_factory=list[float])
    accepted: Counter[str] = field(default_factory=Counter[str])
    refusals: list[float] = field(default_factory=list[float])
    refused_until: float = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    met: set[str] = field(default_factory=set[str])
    rejected: set[str] = field(default_factory=set[str])

    def most_in(self, seconds: float) -> int:
        """Return the most requests that came within so many seconds."""
        most, begin = 0, 0
        for end, moment in enumerate(self.requests):
            while self.requests[begin] <= moment - seconds:
                begin += 1
            most = max(most, end - begin + 1)
        return most


class RoughProvider:
    """Answers at `http://127.0.0.1:PORT/ACCOUNT`."""

    def __init__(self, messages: int) -> None:
        self.accounts = {
            name: AccountLog(name == "keyed", [messages // 4, messages // 2], [messages // 3])
            for name in ("plain", "keyed")
        }
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._random = Random(1)
        self._down = asyncio.Event()
        self._stop = asyncio.Event()
        self._connections: set[StreamWriter] = set()

    async def serve(self) -> None:
        while not self._stop.is_set():
            server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
            self._down.clear()
            waits = [asyncio.create_task(event.wait()) for event in (self._down, self._stop)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            server.close()
            for writer in list(self._connections):
                _reset(writer)
            await asyncio.sleep(0 if self._stop.is_set() else _DOWN)

    def stop(self) -> None:
        self._stop.set()

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _answer(self, reader: StreamReader, writer: StreamWriter) -> bool:
        """Answer a request; return whether the connection is kept."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split()[0])
        key: str = orjson.loads(await reader.readexactly(length))["key"]
        account = self.accounts[head.split()[1].strip("/")]
        account.requests.append(monotonic())
        if self._refuses(account):
            account.refusals.append(monotonic())
            _write(writer, 429, {}, f"Retry-After: {RETRY_AFTER}\r\n")
            return True
        if account.down_at and len(account.requests) > account.down_at[0]:
            account.down_at.pop(0)
            self._down.set()
        await asyncio.sleep(self._random.uniform(0.01, 0.06))
        fault = self._fault(account, key)
        account.faults[fault] += 1
        match fault:
            case "reset before it is accepted":
                return _reset(writer)
            case "rejected":
                account.rejected.add(key)
                _write(writer, 422, {})
                return True
            case "busy":
                _write(writer, 503, {})
                return True
            case _:
                pass
        if not account.keyed or not account.accepted[key]:
            account.accepted[key] += 1
        match fault:
            case "reset behind it":
                return _reset(writer)
            case "late":
                await asyncio.sleep(_LATE)
            case _:
                pass
        # At once: of an answer that comes behind the next request nobody can tell whose it is.
        _write(writer, 202, {"id": message_id(key)}, times=2 if fault == "twice" else 1)
        return True

    def _refuses(self, account: AccountLog) -> bool:
        if account.refused_at and len(account.requests) > account.refused_at[0]:
            account.refused_at.pop(0)
            account.refused_until = monotonic() + RETRY_AFTER
        return monotonic() < account.refused_until

    def _fault(self, account: AccountLog, key: str) -> str:
        """Return what the message meets: the same for a key in every run, and at its first request alone."""
        number = int.from_bytes(sha256(key.encode()).digest()[:4], "big") % 1_000
        first = key not in account.met
        account.met.add(key)
        for fault, times in FAULTS.items():
            if number < times:
                # Who is rejected is rejected for ever.
                return fault if first or fault == "rejected" else ""
            number -= times
        return ""


def message_id(key: str) -> str:
    return f"m-{key}"


def _write(writer: StreamWriter, status: int, body: object, headers: str = "", times: int = 1) -> None:
    content = orjson.dumps(body)
    head = f"HTTP/1.1 {status} X\r\n{headers}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    writer.write((head.encode() + content) * times)


def _reset(writer: StreamWriter) -> bool:
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False


@contextmanager
def rough_provider(messages: int) -> Generator[RoughProvider]:
    """A provider on a thread of its own, which expects so many messages for each account."""
    provider = RoughProvider(messages)
    loop = asyncio.new_event_loop()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(provider.serve())

    thread = Thread(target=run, name="provider")
    thread.start()
    try:
        yield provider
    finally:
        loop.call_soon_threadsafe(provider.stop)
        thread.join()
