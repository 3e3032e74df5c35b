"""Rows of lists and of their members."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, String, Table, Text

from domain.db.schema import metadata
from domain.db.types import Id, Instant

lists = Table(
    "lists",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True),
    Column("segment_id", Id, nullable=False),
    Column("name", String(60), nullable=False),
    Column("number", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("count", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("problem", Text),
    ForeignKeyConstraint(["store_id", "segment_id"], ["segments.store_id", "segments.id"]),
    Index(None, "store_id", "segment_id", "number", unique=True),
)

list_members = Table(
    "list_members",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("list_id", Id, primary_key=True),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
