"""The life of a long-lived connection: while its token is valid, and its client answers and keeps up."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from api.database_errors import log_unavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Seconds between checks of the token and signs of life, and for an answer of the client."""

    recheck: float = 2.0
    keepalive: float = 12.0
    send_within: float = 30.0
    init_within: float = 10.0


class Streams:
    """The open streams and WebSockets of a server: so many at most, and all ended when it ends."""

    def __init__(self, most: int = 800) -> None:
        self._most = most
        self._open = 0
        self._ending = asyncio.Event()
        self._none_open = asyncio.Event()

    @property
    def full(self) -> bool:
        """Return whether another one is to be refused."""
        return self._open >= self._most or self._ending.is_set()

    @contextmanager
    def counted(self) -> Generator[None]:
        self._open += 1
        self._none_open.clear()
        try:
            yield
        finally:
            self._open -= 1
            if not self._open:
                self._none_open.set()

    async def ending(self) -> None:
        """Return once the server ends."""
        await self._ending.wait()

    async def end(self, within: float = 1.5) -> None:
        """Have all of them say goodbye, and wait for so many seconds until they have."""
        self._ending.set()
        if self._open:
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._none_open.wait()


async def until_revoked(allowed: Callable[[], Awaitable[bool]], every: float) -> None:
    """Return once the token is no longer valid, which it was just now."""
    valid = True
    while valid:
        await asyncio.sleep(every)
        # Not cut off when the connection ends meanwhile: half-way out of the pool, a database connection would be lost.
        try:
            valid = await asyncio.shield(asyncio.ensure_future(allowed()))
        except Exception as error:
            # Nobody can revoke a token either while the database does not answer.
            if log_unavailable(error) is None:
                raise


async def disconnected(receive: Receive) -> None:
    """Return once the client has hung up. Its request has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def answered(work: Coroutine[Any, Any, T], receive: Receive, *, whole: bool) -> T:
    """Return the result of the work. Raise ClientDisconnect when the client hangs up before.

    The work is then cancelled, and its statement with it; `whole` work is finished first, for nobody could tell which
    part of it was done.
    """
    working = asyncio.create_task(work)
    gone = asyncio.create_task(disconnected(receive))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if whole:
            await asyncio.wait({working})
        if gone.done():
            raise ClientDisconnect
        return working.result()
    finally:
        await stop(task for task in (working, gone) if not task.done())


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of the work; a caller that is cancelled waits for its end all the same."""
    working = asyncio.create_task(work)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise


async def stop(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have cleaned up."""
    cancelled = list(tasks)
    for task in cancelled:
        task.cancel()
    await asyncio.gather(*cancelled, return_exceptions=True)
