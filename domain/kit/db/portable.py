"""SQL that the two databases spell differently."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Interval,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from domain.kit.db.engine import Transaction
from domain.kit.db.types import Instant


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


def random_id(dialect: str) -> ColumnElement[str]:
    """Another text in every row, which nobody else has."""
    if dialect == "postgresql":
        return cast(func.gen_random_uuid(), Text())
    return func.lower(func.hex(func.randomblob(16)), type_=Text())


def among(column: ColumnElement[int], parameter: str, dialect: str) -> ColumnElement[bool]:
    """Whether the column is one of many numbers, handed over as `numbers` makes them: one text whatever their count."""
    if dialect == "postgresql":
        return column == any_(bindparam(parameter, type_=ARRAY(BigInteger)))
    handed = func.json_each(bindparam(parameter, type_=Text())).table_valued("value")
    return column.in_(select(handed.c.value))


def numbers(values: Sequence[int], dialect: str) -> object:
    return list(values) if dialect == "postgresql" else orjson.dumps(list(values)).decode()


async def refresh_statistics(tx: Transaction, *tables: Table) -> None:
    """PostgreSQL takes a part that it has no figures of for a row or two, and compares every row with every other."""
    if tx.dialect == "postgresql":
        for table in tables:
            await tx.execute(text(f"ANALYZE {table.name}"))


_FEW = 10_000


async def learn_statistics(tx: Transaction, *tables: Table) -> None:
    """The same for tables that PostgreSQL still takes for small; of larger ones it keeps account by itself."""
    if tx.dialect == "postgresql":
        named = {table.name: table for table in tables}
        small = text("SELECT relname FROM pg_class WHERE relname = ANY(:names) AND reltuples < :few")
        rows = await tx.execute(small, {"names": list(named), "few": _FEW})
        await refresh_statistics(tx, *(named[name] for name in rows.scalars()))


# Whether a column names the parent, or one of the parents, whose children are wanted.
ParentFilter = Callable[[ColumnElement[Any]], ColumnElement[bool]]
