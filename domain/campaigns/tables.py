"""Rows of campaigns."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, String, Table, Text

from domain.kit.db.schema import metadata
from domain.kit.db.types import FOLDED, Id, Instant, Json

campaigns = Table(
    "campaigns",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("folded_name", FOLDED, nullable=False, server_default=""),
    Column("channel", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("list_id", Id),
    Column("target_name", String(60), nullable=False),
    # Lists whose customers are left out, fixed when they are chosen.
    Column("exclude", Json, nullable=False),
    Column("accept_marketing", String(24), nullable=False),
    Column("content", Json, nullable=False),
    Column("utm", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("scheduled_at", Instant),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("problem", Text),
    # Batches whose jobs have not ended: the campaign ends with the last.
    Column("open_batches", Integer, nullable=False, server_default="0"),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
    Index(None, "store_id", "list_id"),
    Index(None, "status", "scheduled_at"),
)
