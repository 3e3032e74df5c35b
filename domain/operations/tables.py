"""Rows of operations and of their problems."""

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, Integer, String, Table, Text

from domain.kit.db.schema import metadata
from domain.kit.db.types import Id, Instant

operations = Table(
    "operations",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer),
    # The file that it made: its name in the directory, and its name when it is downloaded.
    Column("file", String(200)),
    Column("file_name", String(200)),
    Column("dry_run", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
)

operation_problems = Table(
    "operation_problems",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("operation_id", Id, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("row", Integer),
    Column("message", Text, nullable=False),
)
