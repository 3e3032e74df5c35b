"""Runs the sink, on a thread within a program or by itself (`python -m channels.email.sink.server`)."""

import argparse
import asyncio
import threading
from pathlib import Path
from typing import Final, Self

from channels.email.sink.protocol import CLOSE, HANG, SinkBehavior, SinkMailbox, SinkSession

__all__ = ["CLOSE", "HANG", "SinkBehavior", "SmtpSink"]

_CLOSE_SECONDS: Final = 5


class SmtpSink:
    """Accepts messages and delivers none; runs on a thread of its own within a `with` block."""

    def __init__(
        self,
        port: int = 0,
        *,
        store_messages: bool = False,
        log: Path | None = None,
        behavior: SinkBehavior | None = None,
    ) -> None:
        self.port = port
        self._behavior = behavior or SinkBehavior()
        self._mailbox = SinkMailbox(store_messages, None)
        self._log = log
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._failure: OSError | None = None

    @property
    def count(self) -> int:
        return self._mailbox.count

    @property
    def connections(self) -> int:
        return self._mailbox.connections

    @property
    def messages(self) -> list[tuple[str, bytes]]:
        return self._mailbox.messages

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
        """Serve until stopped; a port that cannot be opened ends it at once and becomes `_failure`."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        sessions: set[SinkSession] = set()
        log = None if self._log is None else self._log.open("ab", buffering=0)
        self._mailbox.log = log
        try:
            server = await self._loop.create_server(
                lambda: SinkSession(self._behavior, self._mailbox, sessions),
                "127.0.0.1",
                self.port,
                ssl=self._behavior.tls if self._behavior.implicit_tls else None,
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
            open_sessions = list(sessions)
            for session in open_sessions:
                session.abort()
            async with asyncio.timeout(_CLOSE_SECONDS):
                await asyncio.gather(*(session.ended.wait() for session in open_sessions))
            if log is not None:
                log.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="channels.email.sink.server", description=__doc__)
    parser.add_argument("--port", type=int, default=1025)
    parser.add_argument("--log", type=Path, help="gets a line for each message: recipient and message-id")
    parser.add_argument("--delay", type=float, default=0, help="seconds after which each message is answered")
    arguments = parser.parse_args()
    behavior = SinkBehavior(delay=arguments.delay)
    try:
        asyncio.run(SmtpSink(arguments.port, log=arguments.log, behavior=behavior).serve())
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
