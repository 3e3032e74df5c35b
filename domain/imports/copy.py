"""Writes many rows into a table, as fast as the database takes them."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID

from sqlalchemy import Table, text

from domain.kit.db import Transaction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def key_of(operation_id: UUID, dialect: str) -> str | bytes:
    """Return the operation's id as the driver takes it."""
    return str(operation_id) if dialect == "postgresql" else operation_id.bytes


def moment_of(moment: datetime, dialect: str) -> str | int:
    """Return the moment as the driver takes it: SQLite stores the microseconds since 1970."""
    return moment.isoformat() if dialect == "postgresql" else (moment - _EPOCH) // _MICROSECOND


async def put(tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows of the columns' values, as the driver takes them: None, text and numbers."""
    if not rows:
        return
    if tx.dialect == "postgresql":
        # CSV is written and read by C on both sides; a record at a time costs several times as much.
        text_file = StringIO()
        csv.writer(text_file, lineterminator="\n").writerows(rows)
        source = BytesIO(text_file.getvalue().encode())
        # A transaction begins with SQLAlchemy's first statement: what the driver does before it is not rolled back.
        await tx.execute(text("SELECT 1"))
        driver: Any = (await tx.connection.get_raw_connection()).driver_connection
        await driver.copy_to_table(table.name, columns=list(columns), source=source, format="csv")
    else:
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 - names of our own columns
        await tx.connection.exec_driver_sql(statement, list(rows))
