# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false
# asyncpg ships no types.
"""A test that leaves something open fails by its own name: found by the garbage collector, it would be another's."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, Pool

_DESCRIPTORS = Path("/proc/self/fd")


class LeakGuard:
    """Compare what is open after each test with what was open before it.

    Threads and their servers end a moment after they were told to: that is what the grace is for.
    """

    def __init__(self, grace_seconds: float = 2.0) -> None:
        self._grace_seconds = grace_seconds
        self._connections: list[object] = []
        self._before: set[str] = set()
        event.listen(Pool, "connect", self._add_connection)

    def close(self) -> None:
        event.remove(Pool, "connect", self._add_connection)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None]:
        self._connections.clear()
        self._before = set(self._resources())
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """What a fixture of a wider scope opens stays open, and no test is to blame."""
        if fixturedef.scope == "function":
            return (yield)
        before = set(self._resources())
        result = yield
        self._before |= set(self._resources()) - before
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None]:
        yield
        deadline = time.monotonic() + self._grace_seconds
        while (left := sorted(set(self._resources()) - self._before)) and time.monotonic() < deadline:
            time.sleep(0.005)
        if left:
            pytest.fail(f"the test leaves open: {', '.join(left)}", pytrace=False)

    def _add_connection(self, _: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        self._connections.append(entry.driver_connection)

    def _resources(self) -> Iterator[str]:
        for connection in self._connections:
            if _is_open(connection):
                yield f"a connection of {type(connection).__module__} ({id(connection)})"
        for thread in threading.enumerate():
            yield f"the thread {thread.name} ({thread.ident})"
        yield from _sockets()


async def connections_closed() -> None:
    """Wait for the connections of SQLite that were cancelled: their threads report to this event loop."""
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join)


def _is_open(connection: object) -> bool:
    if isinstance(connection, aiosqlite.Connection):
        try:
            return connection.total_changes >= 0
        except ValueError:
            return False
    is_closed: Callable[[], bool] = attrgetter("is_closed")(connection)  # asyncpg, which has no types
    return not is_closed()


def _sockets() -> Iterator[str]:
    """Sockets and selectors, where the system shows them."""
    if not _DESCRIPTORS.exists():
        return
    with os.scandir(_DESCRIPTORS) as entries:
        for entry in entries:
            target = os.readlink(entry)  # noqa: PTH115 - a Path of each would cost more than the look
            if target.startswith("socket:") or target == "anon_inode:[eventpoll]":
                yield f"{target} (descriptor {entry.name})"
