"""Puts many rows into a staging table, as fast as the database takes them."""

import csv
from collections.abc import Sequence
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID

from sqlalchemy import Table, text

from domain.kit.db import Transaction


def key_of(operation_id: UUID, dialect: str) -> str | bytes:
    """The operation's id as the driver takes it."""
    return str(operation_id) if dialect == "postgresql" else operation_id.bytes


async def put(tx: Transaction, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Values in the table's order, as the driver takes them: None, text and numbers."""
    if not rows:
        return
    if tx.dialect == "postgresql":
        await _copy(tx, table, rows)
        return
    marks = ", ".join("?" * len(table.columns))
    await tx.connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({marks})", list(rows))  # noqa: S608


async def _copy(tx: Transaction, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    # CSV is written and read by C on both sides; a record at a time costs several times as much.
    written = StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    # A transaction begins with SQLAlchemy's first statement: what the driver does before it would be kept for good.
    await tx.execute(text("SELECT 1"))
    raw = await tx.connection.get_raw_connection()
    driver: Any = raw.driver_connection
    await driver.copy_to_table(table.name, source=BytesIO(written.getvalue().encode()), format="csv")
