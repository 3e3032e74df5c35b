"""SQL that the two databases spell differently."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Interval,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite

from domain.kit.db.engine import Transaction
from domain.kit.db.types import Instant
from domain.kit.folded_text import folded


def insert_into(table: Table, dialect: str) -> Any:
    """Return an INSERT that knows ON CONFLICT; the two dialects' classes share those methods but no type."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


_SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"


def database_now(dialect: str) -> ColumnElement[datetime]:
    """Return the database's own clock: the only one that leases and fences go by.

    It is read when a statement begins, and is the same for all of its rows: one that waits for a lock leases for less.
    """
    if dialect == "postgresql":
        return func.statement_timestamp(type_=Instant())
    return literal_column(_SQLITE_NOW, Instant())


def database_later(seconds: float, dialect: str) -> ColumnElement[datetime]:
    """Return what the database's clock shows in so many seconds."""
    if dialect == "postgresql":
        interval = func.make_interval(0, 0, 0, 0, 0, 0, seconds, type_=Interval())
        return cast(database_now(dialect) + interval, Instant())
    return literal_column(f"({_SQLITE_NOW} + {int(seconds * 1_000_000)})", Instant())


def random_id(dialect: str) -> ColumnElement[str]:
    """Return a text that is random and unique in every row."""
    if dialect == "postgresql":
        return cast(func.gen_random_uuid(), Text())
    return func.lower(func.hex(func.randomblob(16)), type_=Text())


def exact_sum(units: ColumnElement[int], dialect: str) -> ColumnElement[Any]:
    """Return the sum of whole numbers, however large: SQLite's own sum() fails where 64 bits do not hold it.

    Such a sum is a NUMERIC on PostgreSQL and a double on SQLite.
    """
    if dialect == "postgresql":
        return func.sum(units)
    part = literal_column("1000000", BigInteger())
    return func.sum(units // part) * part + func.sum(units % part)


def in_array(column: ColumnElement[int], parameter: str, dialect: str) -> ColumnElement[bool]:
    """Return the condition that the column is in an array parameter, whose value `array_value` makes.

    The statement's text is the same however many numbers there are, so that it is compiled and prepared once.
    """
    if dialect == "postgresql":
        return column == any_(bindparam(parameter, type_=ARRAY(BigInteger)))
    elements = func.json_each(bindparam(parameter, type_=Text())).table_valued("value")
    return column.in_(select(elements.c.value))


def rows_by_ids(rows: Select[*tuple[Any, ...]], key: Column[int], parameter: str, dialect: str) -> Select[Any]:
    """Return the select of those rows whose key is in an array parameter, whose value `array_value` makes.

    PostgreSQL looks for one after the other: of many in a table that it has not counted, it would take any index that
    begins as the other conditions do, and read the whole store.
    """
    if dialect != "postgresql":
        return rows.where(in_array(key, parameter, dialect))
    ids = func.unnest(bindparam(parameter, type_=ARRAY(BigInteger)))
    wanted = ids.table_valued(column("id", BigInteger), name="wanted").render_derived()
    # OFFSET keeps PostgreSQL from making a join of it that it could run in another order.
    one = rows.where(key == wanted.c.id).offset(0).correlate(wanted).lateral("one")
    return select(*one.c).select_from(wanted).join(one, true())


def array_value(values: Sequence[int], dialect: str) -> object:
    """Return the numbers as the parameter of `in_array`."""
    return list(values) if dialect == "postgresql" else orjson.dumps(list(values)).decode()


def values_of(texts: Sequence[str], dialect: str) -> ColumnElement[str]:
    """Return the column of a table of these texts."""
    if dialect == "postgresql":
        return func.unnest(literal(list(texts), ARRAY(Text))).column_valued("texts")
    return func.json_each(literal(orjson.dumps(list(texts)).decode(), Text)).table_valued(column("value", Text)).c.value


def is_among(value: ColumnElement[Any], known: Column[Any], dialect: str, *rows: ColumnElement[bool]) -> Any:
    """Return the condition that a value, of each row of many, is in a column of the rows that are selected.

    PostgreSQL hashes what EXISTS asks for, or looks it up by an index; for IN it might read all of them for each value.
    SQLite collects them once for IN.
    """
    if dialect == "postgresql":
        return exists(select(literal(1)).where(known == value, *rows))
    return value.in_(select(known).where(*rows))


# Owners alone may count their tables: the role of requests is set aside for the moment.
_ANALYZE = """
DO $$ DECLARE role_before text := current_setting('role');
BEGIN SET LOCAL role TO DEFAULT; {analyze} PERFORM set_config('role', role_before, true); END $$
"""


async def refresh_statistics(tx: Transaction, *tables: Table) -> None:
    """Have PostgreSQL count the tables anew; without figures it expects a row or two, and plans nested loops."""
    if tx.dialect == "postgresql" and tables:
        await tx.execute(text(_ANALYZE.format(analyze="".join(f"ANALYZE {table.name}; " for table in tables))))


_SMALL_TABLE_ROWS = 10_000


async def ensure_statistics(tx: Transaction, *tables: Table) -> None:
    """Refresh the statistics of tables that PostgreSQL takes for small; of larger ones its own autovacuum is enough."""
    if tx.dialect == "postgresql":
        tables_by_name = {table.name: table for table in tables}
        small = text("SELECT relname FROM pg_class WHERE relname = ANY(:names) AND reltuples < :rows")
        names = await tx.execute(small, {"names": list(tables_by_name), "rows": _SMALL_TABLE_ROWS})
        await refresh_statistics(tx, *(tables_by_name[name] for name in names.scalars()))


# Makes the condition that a column is the parent, or one of the parents, whose children are read.
ParentFilter = Callable[[ColumnElement[Any]], ColumnElement[bool]]


def contains_folded(folded_column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Return whether a column of folded texts has this one as a part; one of invisible characters is part of none."""
    folded_text = folded(text)
    return folded_column.contains(folded_text, autoescape=True) if folded_text or not text.strip() else false()
