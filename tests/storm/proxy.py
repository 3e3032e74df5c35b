"""A TCP proxy between Muster and a server of its own, which loses bytes or holds them back for a while."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from enum import StrEnum

from tests.journeys.processes import free_port


class Line(StrEnum):
    """What becomes of bytes."""

    OPEN = "open"
    # They arrive late: packets that are sent again and again until they come through.
    HELD = "held"
    # They are lost; the connections are found to be broken in the end.
    LOST = "lost"


class Proxy:
    """Forwards connections to a port of this machine."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._line = Line.OPEN
        self._loop = asyncio.new_event_loop()
        self._opened = asyncio.Event()
        self._opened.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self, line: Line) -> None:
        """Hold back or lose all bytes from now on."""
        asyncio.run_coroutine_threadsafe(self._set(line), self._loop).result()

    def mend(self) -> None:
        """Forward bytes again; connections that have lost some are broken off."""
        asyncio.run_coroutine_threadsafe(self._set(Line.OPEN), self._loop).result()

    async def _set(self, line: Line) -> None:
        if line is Line.OPEN and self._line is Line.LOST:
            for writer in self._writers:
                writer.transport.abort()
        self._line = line
        if line is Line.OPEN:
            self._opened.set()
        else:
            self._opened.clear()

    async def _serve(self, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        await stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._opened.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
        else:
            self._writers.add(back)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pump(reader, back))
                    group.create_task(self._pump(there, writer))
            finally:
                self._writers.discard(back)
                back.close()
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while content := await reader.read(65_536):
                if self._line is Line.LOST:
                    continue
                await self._opened.wait()
                writer.write(content)
                await writer.drain()
        # An end is news as well: nobody hears of it while the line is cut.
        await self._opened.wait()
        writer.close()

    def run(self, stop: asyncio.Event) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(stop))

    def end(self, stop: asyncio.Event) -> None:
        self._loop.call_soon_threadsafe(stop.set)


@contextmanager
def proxy(target: int) -> Generator[Proxy]:
    """A proxy before the port, on a thread of its own."""
    between, stop = Proxy(target), asyncio.Event()
    thread = threading.Thread(target=between.run, args=(stop,), name=f"proxy-{target}")
    thread.start()
    try:
        yield between
    finally:
        between.end(stop)
        thread.join()
