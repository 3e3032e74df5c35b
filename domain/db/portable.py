"""SQL that the two databases spell differently."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Interval, Table, cast, func, literal_column
from sqlalchemy.dialects import postgresql, sqlite

from domain.db.types import Instant


def insert_into(table: Table, dialect: str) -> Any:
    """An INSERT that knows ON CONFLICT; the two dialects' classes share those methods but no type."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


_SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"


def database_now(dialect: str) -> ColumnElement[datetime]:
    """The database's own clock: the only one that leases and fences go by."""
    if dialect == "postgresql":
        return func.clock_timestamp(type_=Instant())
    return literal_column(_SQLITE_NOW, Instant())


def database_later(seconds: float, dialect: str) -> ColumnElement[datetime]:
    """That clock, so many seconds from now."""
    if dialect == "postgresql":
        interval = func.make_interval(0, 0, 0, 0, 0, 0, seconds, type_=Interval())
        return cast(database_now(dialect) + interval, Instant())
    return literal_column(f"({_SQLITE_NOW} + {int(seconds * 1_000_000)})", Instant())
