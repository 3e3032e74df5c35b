"""Connections and transactions, on SQLite and PostgreSQL alike."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, CursorResult, Executable, Row, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

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


class Transaction:
    """One unit of work: all of it is stored, or nothing. Workers are notified of its jobs once it is committed."""

    __slots__ = ("changed_kinds", "connection", "dialect", "notices")

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.dialect = connection.dialect.name
        self.notices: list[JobNotice] = []
        # By store, the kinds of data whose versions this transaction has moved (domain/changes).
        self.changed_kinds: dict[int, int] = {}

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> AnyResult:
        return await self.connection.execute(statement, parameters)

    async def scalar(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> Any:
        return (await self.connection.execute(statement, parameters)).scalar()


class Database:
    """A database and its pool: `read` sees what is committed, `write` is a transaction."""

    def __init__(self, url: str, *, pool_size: int = 5, notify: Notify | None = None) -> None:
        self.url = url
        self.notify = notify
        self.engine = _create_engine(url, pool_size)
        # SQLite has one writer at a time: those of this process queue up here, rather than retry again and again.
        self._writer_lock = asyncio.Lock() if url.startswith("sqlite") else nullcontext()
        self._read_engine = self.engine.execution_options(**_READING[self.dialect])

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Transaction]:
        async with self._read_engine.connect() as connection:
            yield Transaction(connection)

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[Transaction]:
        async with self._writer_lock, self.engine.begin() as connection:
            transaction = Transaction(connection)
            yield transaction
        if transaction.notices and self.notify is not None:
            await asyncio.to_thread(self.notify, transaction.notices)

    async def close(self) -> None:
        await self.engine.dispose()


def _create_engine(url: str, pool_size: int) -> AsyncEngine:
    if not url.startswith("sqlite"):

        def dump_json(value: object) -> str:
            return orjson.dumps(value).decode()

        return create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
            json_serializer=dump_json,
            json_deserializer=orjson.loads,
            # Segment statements are wide and short: compiling them costs more than running them.
            connect_args={"server_settings": {"jit": "off", "application_name": "muster"}},
        )
    engine = create_async_engine(
        url, pool_size=pool_size, max_overflow=0, connect_args={"timeout": 30}, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "busy_timeout=30000",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-65536",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("muster_begin", True):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
