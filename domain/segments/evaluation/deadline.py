"""Reading that is cut short when it takes too long, on either database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic

import aiosqlite
from sqlalchemy import func, select, text, true
from sqlalchemy.exc import DBAPIError

from domain.kit.db import Database, Transaction
from domain.kit.errors import DomainError, ErrorCode

_STEPS = 20_000  # of SQLite's virtual machine between two looks at the clock: about a millisecond

_FOR_SETS = {
    "work_mem": "64MB",
    "hash_mem_multiplier": "4",
    "plan_cache_mode": "force_custom_plan",
    "max_parallel_workers_per_gather": "1",
}


class TookTooLong(DomainError):
    """The filter costs more than a preview may."""

    code = ErrorCode.LIMIT_EXCEEDED


class Deadline:
    """So many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ends = monotonic() + seconds

    def left(self) -> float:
        """Seconds; raises `TookTooLong` when there are none."""
        left = self.ends - monotonic()
        if left <= 0:
            raise self.missed()
        return left

    def missed(self) -> TookTooLong:
        return TookTooLong(f"The filter took longer than {self.seconds:g} s: make it narrower")


@asynccontextmanager
async def reading(
    database: Database, limit: float | Deadline, *, snapshot: bool = False
) -> AsyncGenerator[Transaction]:
    """A transaction for reading, in which statements end after so many seconds.

    In a `snapshot` all statements see the database as it was at the first.
    """
    deadline = limit if isinstance(limit, Deadline) else Deadline(limit)
    opened = _on_postgresql if database.dialect == "postgresql" else _on_sqlite
    try:
        async with opened(database, deadline, snapshot) as tx:
            yield tx
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "57014" and "interrupted" not in str(error.orig):
            raise
        raise deadline.missed() from error


async def shorten(tx: Transaction, deadline: Deadline) -> None:
    """The next statement has what those before it have left. SQLite knows when that ends."""
    left = deadline.left()
    if tx.dialect == "postgresql":
        await tx.execute(text(f"SET LOCAL statement_timeout = {max(1, int(left * 1000))}"))


@asynccontextmanager
async def _on_postgresql(database: Database, deadline: Deadline, snapshot: bool) -> AsyncGenerator[Transaction]:
    isolation = "REPEATABLE READ" if snapshot else "READ COMMITTED"
    async with database.write() as tx:
        await tx.execute(text(f"SET TRANSACTION ISOLATION LEVEL {isolation}, READ ONLY"))
        await shorten(tx, deadline)
        await plan_for_sets(tx)
        yield tx


@asynccontextmanager
async def _on_sqlite(database: Database, deadline: Deadline, snapshot: bool) -> AsyncGenerator[Transaction]:
    async with database.read() as tx:
        raw = await tx.connection.get_raw_connection()
        driver = raw.driver_connection
        assert isinstance(driver, aiosqlite.Connection)
        await driver.set_progress_handler(lambda: int(monotonic() > deadline.ends), _STEPS)
        if snapshot:
            await tx.connection.exec_driver_sql("BEGIN")
        try:
            yield tx
        finally:
            await driver.set_progress_handler(lambda: 0, 0)
            if snapshot:
                await tx.connection.exec_driver_sql("ROLLBACK")


async def plan_for_sets(tx: Transaction) -> None:
    """PostgreSQL's plans for thousands or millions of ids at once, rather than for a row or two.

    A set that it does not expect to fit its memory, 4 MB if not told, it would search from end to end; and after five
    runs it would plan without a look at the values. One more process helps each of the filters, a third does not.
    """
    if tx.dialect == "postgresql":
        await tx.execute(select(*(func.set_config(name, value, true()) for name, value in _FOR_SETS.items())))
