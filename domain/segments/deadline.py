"""Reading that is cut short when it takes too long, on either database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic

import aiosqlite
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.db import Database, Transaction
from domain.errors import DomainError, ErrorCode

_STEPS = 20_000  # of SQLite's virtual machine between two looks at the clock: about a millisecond


class TookTooLong(DomainError):
    """The filter costs more than a preview may."""

    code = ErrorCode.LIMIT_EXCEEDED


@asynccontextmanager
async def reading(database: Database, seconds: float) -> AsyncGenerator[Transaction]:
    """A transaction for reading, in which statements end after so many seconds."""
    opened = _on_postgresql if database.dialect == "postgresql" else _on_sqlite
    try:
        async with opened(database, seconds) as tx:
            yield tx
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "57014" and "interrupted" not in str(error.orig):
            raise
        raise TookTooLong(f"The filter took longer than {seconds:g} s: make it narrower") from error


@asynccontextmanager
async def _on_postgresql(database: Database, seconds: float) -> AsyncGenerator[Transaction]:
    async with database.write() as tx:
        await tx.execute(text(f"SET LOCAL statement_timeout = {int(seconds * 1000)}"))
        await tx.execute(text("SET LOCAL transaction_read_only = on"))
        await give_memory(tx)
        yield tx


@asynccontextmanager
async def _on_sqlite(database: Database, seconds: float) -> AsyncGenerator[Transaction]:
    async with database.read() as tx:
        raw = await tx.connection.get_raw_connection()
        driver = raw.driver_connection
        assert isinstance(driver, aiosqlite.Connection)
        ends = monotonic() + seconds
        await driver.set_progress_handler(lambda: int(monotonic() > ends), _STEPS)
        try:
            yield tx
        finally:
            await driver.set_progress_handler(lambda: 0, 0)


async def give_memory(tx: Transaction) -> None:
    """Sets of ids are hashed: what does not fit PostgreSQL's usual 4 MB it would search from end to end."""
    if tx.dialect == "postgresql":
        await tx.execute(text("SET LOCAL work_mem = '64MB'"))
