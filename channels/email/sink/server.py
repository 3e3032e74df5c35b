"""A mail server that takes everything and delivers nothing: for the demo, the benchmarks and the tests."""

import argparse
import asyncio
import threading
from pathlib import Path
from typing import Final, Self

from channels.email.sink.protocol import CLOSE, HANG, SinkBehavior, SinkMailbox, SinkSession

__all__ = ["CLOSE", "HANG", "SinkBehavior", "SmtpSink"]

_FAREWELL: Final = 5  # seconds


class SmtpSink:
    """Runs on a thread of its own within a `with` block."""

    def __init__(
        self, port: int = 0, *, keep: bool = False, log: Path | None = None, manners: SinkBehavior | None = None
    ) -> None:
        self.port = port
        self._manners = manners or SinkBehavior()
        self._taken = SinkMailbox(keep, None)
        self._log = log
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._failure: OSError | None = None

    @property
    def count(self) -> int:
        return self._taken.count

    @property
    def connections(self) -> int:
        return self._taken.connections

    @property
    def messages(self) -> list[tuple[str, bytes]]:
        return self._taken.messages

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self.serve()), name="smtp-sink", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    async def serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        sessions: set[SinkSession] = set()
        tls = self._manners.tls if self._manners.tls_at_once else None
        log = None if self._log is None else self._log.open("ab", buffering=0)
        self._taken.log = log
        try:
            server = await self._loop.create_server(
                lambda: SinkSession(self._manners, self._taken, sessions), "127.0.0.1", self.port, ssl=tls
            )
        except OSError as error:
            self._failure = error
            self._ready.set()
            return
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            await self._stop.wait()
        finally:
            server.close()
            await _ended(sessions)
            if log is not None:
                log.close()


async def _ended(sessions: set[SinkSession]) -> None:
    ending = list(sessions)
    for session in ending:
        session.abort()
    async with asyncio.timeout(_FAREWELL):
        await asyncio.gather(*(session.ended.wait() for session in ending))


def main() -> None:
    parser = argparse.ArgumentParser(prog="channels.email.sink.server", description=__doc__)
    parser.add_argument("--port", type=int, default=1025)
    parser.add_argument("--log", type=Path, help="gets a line for each message: recipient and message-id")
    given = parser.parse_args()
    try:
        asyncio.run(SmtpSink(given.port, log=given.log).serve())
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
