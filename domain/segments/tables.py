"""Rows of segments."""

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKeyConstraint, Index, Integer, String, Table, Text

from domain.db.schema import metadata
from domain.db.types import Id, Instant, Json

segments = Table(
    "segments",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True),
    Column("name", String(50), nullable=False),
    Column("description", Text),
    Column("kind", String(16), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("include", Json),
    Column("exclude", Json),
    Column("update_mode", String(16), nullable=False),
    Column("every_days", Integer),
    Column("started_on", Date, nullable=False),
    Column("next_refresh_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
    Index(None, "store_id", "name", unique=True),
    Index(None, "next_refresh_at"),
)

# Who was picked by hand, for a static segment.
segment_members = Table(
    "segment_members",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("segment_id", Id, primary_key=True),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Index(None, "store_id", "customer_id"),
    sqlite_with_rowid=False,
)
