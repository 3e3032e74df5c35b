"""Cut reading short when it takes too long, on either database."""

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
    """The filter or search costs more than a preview may."""

    code = ErrorCode.LIMIT_EXCEEDED


class Deadline:
    """A moment so many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ends_at = monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds that remain. Raise TookTooLong when there are none."""
        seconds = self.ends_at - monotonic()
        if seconds <= 0:
            raise self.missed()
        return seconds

    def missed(self) -> TookTooLong:
        return TookTooLong(f"It took longer than {self.seconds:g} s: make the filter or the search narrower")


@asynccontextmanager
async def reading(
    database: Database, limit: float | Deadline, *, snapshot: bool = False
) -> AsyncGenerator[Transaction]:
    """Open a transaction for reading whose statements end with the limit. Raise TookTooLong when one is cut short.

    In a `snapshot` all statements see the database as it was at the first.
    """
    deadline = limit if isinstance(limit, Deadline) else Deadline(limit)
    open_transaction = _on_postgresql if database.dialect == "postgresql" else _on_sqlite
    try:
        async with open_transaction(database, deadline, snapshot) as tx:
            yield tx
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "57014" and "interrupted" not in str(error.orig):
            raise
        raise deadline.missed() from error


async def shorten(tx: Transaction, deadline: Deadline) -> None:
    """Give the next statement the time that remains. Raise TookTooLong when there is none."""
    seconds = deadline.remaining()
    # On SQLite the progress handler looks at the deadline.
    if tx.dialect == "postgresql":
        await tx.execute(text(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}"))


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
        try:
            await driver.set_progress_handler(lambda: int(monotonic() > deadline.ends_at), _STEPS)
            if snapshot:
                await tx.connection.exec_driver_sql("BEGIN")
            yield tx
        finally:
            # A statement that was cancelled has closed its connection; any other goes back without the deadline.
            if not tx.connection.invalidated:
                await driver.set_progress_handler(lambda: 0, 0)
                await driver.rollback()


async def plan_for_sets(tx: Transaction) -> None:
    """Have PostgreSQL plan for thousands or millions of ids at once, rather than for a row or two.

    A set that it does not expect to fit its memory, 4 MB by default, it would search from end to end; and after five
    runs it would plan without a look at the values. One more process helps each of the filters, a third does not.
    """
    if tx.dialect == "postgresql":
        await tx.execute(select(*(func.set_config(name, value, true()) for name, value in _FOR_SETS.items())))
