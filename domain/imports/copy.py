"""Writes many rows into a staging table, as fast as the database takes them."""

import csv
from collections.abc import Sequence
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID

from sqlalchemy import Table, text

from domain.kit.db import Transaction


def key_of(operation_id: UUID, dialect: str) -> str | bytes:
    """Return the operation's id as the driver takes it."""
    return str(operation_id) if dialect == "postgresql" else operation_id.bytes


async def put(tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows of the columns' values, as the driver takes them: None, text and numbers."""
    if not rows:
        return
    if tx.dialect == "postgresql":
        await _copy(tx, table, columns, rows)
        return
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" * len(columns))
    await tx.connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", list(rows))  # noqa: S608


async def _copy(tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    # CSV is written and read by C on both sides; a record at a time costs several times as much.
    text_file = StringIO()
    csv.writer(text_file, lineterminator="\n").writerows(rows)
    # A transaction begins with SQLAlchemy's first statement: what the driver does before it would not be rolled back.
    await tx.execute(text("SELECT 1"))
    raw = await tx.connection.get_raw_connection()
    driver: Any = raw.driver_connection
    source = BytesIO(text_file.getvalue().encode())
    await driver.copy_to_table(table.name, columns=list(columns), source=source, format="csv")
