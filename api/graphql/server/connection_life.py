"""The life of a long-lived connection: while its token is valid, and its client answers and keeps up."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Hashable, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from api.database_errors import log_unavailable

T = TypeVar("T")
P = TypeVar("P", bound=Hashable)

# Returns those of the principals whose tokens are still valid.
StillValid = Callable[[Collection[P]], Awaitable[Collection[P]]]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Seconds between checks of the token and signs of life, and for an answer of the client."""

    recheck: float = 1.0
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


class TokenWatch(Generic[P]):
    """Looks up the tokens of all open connections of this process together, every few seconds."""

    def __init__(self, still_valid: StillValid[P], every: float) -> None:
        self._still_valid = still_valid
        self._every = every
        self._waiting: dict[P, set[asyncio.Future[None]]] = {}
        self._nobody = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def until_revoked(self, principal: P) -> None:
        """Return once the principal's token is no longer valid, which it was just now. Raise what looking up raises."""
        revoked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(principal, set()).add(revoked)
        self._nobody.clear()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            await revoked
        finally:
            self._waiting[principal].discard(revoked)
            if not self._waiting[principal]:
                del self._waiting[principal]
            if not self._waiting:
                # Not cancelled: half-way out of the pool, a database connection would be lost.
                self._nobody.set()

    async def _look(self) -> None:
        while self._waiting:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nobody.wait(), self._every)
            if not self._waiting:
                return
            looked_up = tuple(self._waiting)
            try:
                valid = frozenset(await self._still_valid(looked_up))
            except Exception as error:  # noqa: BLE001 - each connection raises it, and logs it
                # Nobody can revoke a token either while the database does not answer.
                if log_unavailable(error) is None:
                    self._end(looked_up, error)
            else:
                self._end([principal for principal in looked_up if principal not in valid], None)

    def _end(self, principals: Iterable[P], error: Exception | None) -> None:
        for principal in principals:
            for connection in self._waiting.get(principal, ()):
                if connection.done():
                    continue
                if error is None:
                    connection.set_result(None)
                else:
                    connection.set_exception(error)


async def disconnected(receive: Receive) -> None:
    """Return once the client has hung up. Its request has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def answered(work: Callable[[], Coroutine[Any, Any, T]], receive: Receive, *, whole: bool) -> T:
    """Return the result of the work. Raise ClientDisconnect when the client hangs up before.

    The work is then cancelled, and its statement with it; `whole` work that has begun is finished first, for nobody
    could tell which part of it was done.
    """
    gone = asyncio.create_task(disconnected(receive))
    await asyncio.sleep(0)
    if gone.done():
        raise ClientDisconnect
    working = asyncio.create_task(work())
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
