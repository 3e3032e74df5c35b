"""Rows of jobs: a job that is done is deleted, one that failed for good stays with its error."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from domain.kit.db.schema import metadata
from domain.kit.db.types import Id, Instant, Json

jobs = Table(
    "jobs",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True),
    Column("queue", String(16), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("payload", Json, nullable=False),
    Column("status", String(8), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("lease_until", Instant),
    Column("owner", String(100)),
    Column("fence", Integer, nullable=False),
    Column("deaths", Integer, nullable=False),
    Column("error", Text),
    Column("created_at", Instant, nullable=False),
    Index(None, "status", "due_at"),
)
