"""Connections and transactions, on SQLite and PostgreSQL alike."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Executable, Row, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from domain.kit import private_files
from domain.kit.db import postgres, sqlite
from domain.kit.db.time_limits import JOBS, TimeLimits

AnyRow = Row[*tuple[Any, ...]]
AnyResult = CursorResult[*tuple[Any, ...]]
Parameters = Mapping[str, object] | Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class JobNotice:
    """A job that workers are to be notified of."""

    queue: str
    store_id: int
    job_id: UUID


# SQLite reads what is committed when no transaction begins. SQLAlchemy's AUTOCOMMIT would set its isolation level anew
# for every reading, which takes five visits to the connection's thread; and it leaves the connection open when the
# reader is cancelled meanwhile.
_READING: Mapping[str, Mapping[str, Any]] = {
    "postgresql": {"isolation_level": "AUTOCOMMIT"},
    "sqlite": {"muster_begin": False},
}

Notify = Callable[[Sequence[JobNotice]], None]

# Seconds that a writer of SQLite waits for the others.
_BUSY_SECONDS = 30
# A connection that fails within these seconds was closed while nobody used it; a slower one has cost the caller enough.
_STALE_SECONDS = 1.0


class Transaction:
    """One unit of work: all of it is stored, or nothing. Workers are notified of its jobs once it is committed."""

    __slots__ = ("_begun", "changed_kinds", "connection", "dialect", "notices")

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.dialect = connection.dialect.name
        self.notices: list[JobNotice] = []
        # By store, the kinds of data whose versions this transaction has moved (domain/changes).
        self.changed_kinds: dict[int, int] = {}
        self._begun = False

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> AnyResult:
        with _cancelled_as_its_task():
            if not self._begun:
                return await self._begin_with(statement, parameters)
            return await self.connection.execute(statement, parameters)

    async def scalar(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> Any:
        return (await self.execute(statement, parameters)).scalar()

    async def _begin_with(self, statement: Executable, parameters: Parameters | None) -> AnyResult:
        """Execute the first statement: on another connection when this one turns out to be lost, for nothing is yet."""
        sent_at = monotonic()
        try:
            result = await self.connection.execute(statement, parameters)
        except (DBAPIError, OSError):
            if not self.connection.invalidated or monotonic() - sent_at > _STALE_SECONDS:
                raise
            await self.connection.rollback()
            result = await self.connection.execute(statement, parameters)
        self._begun = True
        return result


class Database:
    """A database and its pool: `read` sees what is committed, `write` is a transaction.

    Nothing waits longer than the limits. A `pooler` in transaction mode may be between PostgreSQL and this process.
    With `row_security`, which PostgreSQL alone has, `of_store` is a view of one store.
    """

    # The database of all stores, in a view of one.
    _whole: "Database | None" = None

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 5,
        notify: Notify | None = None,
        limits: TimeLimits = JOBS,
        pooler: bool = False,
        row_security: bool = False,
    ) -> None:
        self.url = url
        self.notify = notify
        is_sqlite = url.startswith("sqlite")
        if is_sqlite:
            self.engine = _create_sqlite_engine(url, pool_size, limits)
        else:
            self.engine = postgres.create_engine(url, pool_size, limits, pooler=pooler)
        self.row_security = row_security
        # SQLite has one writer at a time: those of this process queue up here, rather than retry again and again.
        self._writer_lock = asyncio.Lock() if is_sqlite else None
        # A pooler may run each statement outside of a transaction on another connection, without our settings.
        reading: Mapping[str, Any] = {} if pooler and not is_sqlite else _READING[self.dialect]
        self.read_engine = self.engine.execution_options(**reading)

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @property
    def whole(self) -> "Database":
        """Return the database of all stores, of which this may be a view."""
        return self._whole or self

    def of_store(self, store_id: int) -> "Database":
        """Return the database of one store, by the same connections: with row security, other stores have no rows."""
        if not self.row_security:
            return self
        view = copy(self)
        view._whole = self.whole  # noqa: SLF001 - a copy of this one
        view.engine = view.read_engine = self.engine.execution_options(**{postgres.STORE_OPTION: store_id})
        return view

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Transaction]:
        with _cancelled_as_its_task():
            async with self.read_engine.connect() as connection:
                yield Transaction(connection)

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[Transaction]:
        with _cancelled_as_its_task():
            async with self._writing(), self.engine.connect() as connection:
                await connection.begin()
                transaction = Transaction(connection)
                yield transaction
                await connection.commit()
        if transaction.notices and self.notify is not None:
            await asyncio.to_thread(self.notify, transaction.notices)

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def _writing(self) -> AsyncGenerator[None]:
        """Hold the right to write. Raise TimeoutError when other writers of this process take too long."""
        if self._writer_lock is None:
            yield
            return
        async with asyncio.timeout(_BUSY_SECONDS):
            await self._writer_lock.acquire()
        try:
            yield
        finally:
            self._writer_lock.release()


@contextmanager
def _cancelled_as_its_task() -> Generator[None]:
    """Raise CancelledError for a statement that ended because its task was cancelled."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, sqlite.StatementCancelled):
            raise asyncio.CancelledError from error
        raise


def _create_sqlite_engine(url: str, pool_size: int, limits: TimeLimits) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=limits.pool,
        connect_args={"timeout": _BUSY_SECONDS, "async_creator_fn": sqlite.connect},
        hide_parameters=True,
    )

    path = Path(engine.url.database or "")

    @event.listens_for(engine.sync_engine, "do_connect")
    def keep_private(*_: object) -> None:
        # SQLite gives the files beside it the same mode.
        private_files.create(path)
        private_files.tighten(path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm")))

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        # A pool's connections keep their caches: with 64 MiB each, a large import filled a server's memory.
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            f"busy_timeout={_BUSY_SECONDS * 1000}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-4096",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("muster_begin", True):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
