"""Connections to SQLite whose statement ends with the task that waits for it."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

import aiosqlite

_AGAIN = 0.02  # seconds


class StatementCancelled(sqlite3.OperationalError):
    """The task that waited was cancelled. SQLAlchemy takes it for an error that leaves the connection sound."""


class InterruptibleConnection(aiosqlite.Connection):
    """Interrupts what its thread is at when its caller is cancelled: the thread would go on to the end."""

    def run_as_daemon(self) -> None:
        """Have the thread end with the process, as SQLAlchemy has it for connections that it makes itself."""
        self._thread.daemon = True

    # aiosqlite has no public place between a caller and the thread, nor types there.
    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        cancelled = ended = False

        def execute() -> Any:
            nonlocal ended
            try:
                if cancelled and _is_statement(fn):
                    raise sqlite3.OperationalError("interrupted")
                return fn(*args, **kwargs)
            finally:
                ended = True

        try:
            return await super()._execute(execute)  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            if not _is_statement(fn):
                raise
            cancelled = True
            # Again and again: what is about to begin is not interrupted yet.
            while not ended and self._connection is not None:
                self._connection.interrupt()
                await asyncio.sleep(_AGAIN)
            raise StatementCancelled("interrupted") from None


def _is_statement(fn: Callable[..., Any]) -> bool:
    return getattr(fn, "__name__", "") in ("execute", "executemany")


def connect(database: str, **options: Any) -> InterruptibleConnection:
    connection = InterruptibleConnection(lambda: sqlite3.connect(database, **options), iter_chunk_size=64)
    connection.run_as_daemon()
    return connection
