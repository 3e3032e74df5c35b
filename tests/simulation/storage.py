"""The one database of a history, in memory: made by the migrations once, and rolled back after every history."""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from alembic import command
from sqlalchemy import Connection, StaticPool, Table, create_engine

from domain.migrations import configuration

START = datetime(2026, 7, 1, 9, tzinfo=UTC)
_JULIAN_START = 2440587.5 + START.timestamp() / 86_400


def instant(seconds: float) -> datetime:
    """Return the moment so many seconds after the start of a history."""
    return START + timedelta(seconds=seconds)


class _Cursor(sqlite3.Cursor):
    """Fetches all rows at once, as the drivers of asyncio do: no statement stays open while others write."""

    _rows: deque[Any]

    def execute(self, sql: str, parameters: Any = (), /) -> "_Cursor":
        super().execute(sql, parameters)
        self._rows = deque(super().fetchall()) if self.description else deque()
        return self

    def fetchone(self) -> Any:
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        return [self._rows.popleft() for _ in range(min(size or 1, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        rows = list(self._rows)
        self._rows.clear()
        return rows


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)


class Storage:
    """SQLite in memory, with the clock and the dice of a history.

    What a history writes is a savepoint in one transaction that is never committed, so that it leaves nothing behind
    and nothing has to be prepared again.
    """

    def __init__(self) -> None:
        self.raw: sqlite3.Connection = sqlite3.connect(
            ":memory:", isolation_level=None, factory=_Connection, cached_statements=2_000
        )
        engine = create_engine("sqlite://", creator=lambda: self.raw, poolclass=StaticPool, query_cache_size=5_000)
        self.raw.execute("PRAGMA foreign_keys=ON")
        self.connection: Connection = engine.connect()
        command.upgrade(configuration(self.connection), "head")
        self.connection.commit()
        self._inserts: dict[tuple[str, tuple[str, ...]], tuple[str, list[Any]]] = {}
        self._genuine = sqlite3.connect(":memory:")
        self._now: Callable[[], float] = lambda: 0.0
        self._chance = Random(0)
        self.raw.create_function("julianday", 1, self._julianday)
        self.raw.create_function("randomblob", 1, self._randomblob)

    def open(self, now: Callable[[], float], chance: Random) -> None:
        """Begin a history."""
        self._now, self._chance = now, chance
        self.raw.execute("BEGIN")

    def roll_back(self) -> None:
        """Forget the history."""
        if self.raw.in_transaction:
            self.raw.execute("ROLLBACK")

    def close(self) -> None:
        self.connection.close()
        self.connection.engine.dispose()
        self.raw.close()
        self._genuine.close()

    def begin(self) -> None:
        self.raw.execute("SAVEPOINT history")

    def commit(self) -> None:
        self.raw.execute("RELEASE history")

    def undo(self) -> None:
        self.raw.execute("ROLLBACK TO history")
        self.raw.execute("RELEASE history")

    def add(self, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Write rows of the same columns, without the cost of a statement that is made anew."""
        columns = tuple(rows[0])
        key = table.name, columns
        if key not in self._inserts:
            names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
            dialect = self.connection.dialect
            types = [table.c[name].type.dialect_impl(dialect) for name in columns]
            sql = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"
            self._inserts[key] = sql, [type_.bind_processor(dialect) for type_ in types]
        sql, processors = self._inserts[key]
        values = [
            [
                value if process is None else process(value)
                for process, value in zip(processors, row.values(), strict=True)
            ]
            for row in rows
        ]
        self.raw.executemany(sql, values)

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a judge's question."""
        return self.raw.execute(statement, parameters).fetchall()

    def value(self, statement: str, *parameters: object) -> Any:
        row = self.raw.execute(statement, parameters).fetchone()
        return None if row is None else row[0]

    def values(self, statement: str, *parameters: object) -> Iterable[Any]:
        return [row[0] for row in self.rows(statement, *parameters)]

    def _randomblob(self, length: int) -> bytes:
        return self._chance.randbytes(length)

    def _julianday(self, moment: object) -> float | None:
        if moment == "now":
            return _JULIAN_START + self._now() / 86_400
        days: float | None = self._genuine.execute("SELECT julianday(?)", (moment,)).fetchone()[0]
        return days
