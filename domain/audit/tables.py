"""Rows of the audit log. Triggers of migration 0008 refuse to change one, and to delete one before its time."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, String, Table

from domain.kit.db.schema import metadata
from domain.kit.db.types import Id, Instant, Json

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    # By the database's clock.
    Column("at", Instant, primary_key=True),
    Column("id", Id, primary_key=True),
    Column("actor", String(16), nullable=False),
    Column("actor_name", String(100)),
    Column("token_id", Id),
    Column("address", String(45)),
    Column("request_id", String(64)),
    Column("action", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("codes", String(400)),
    Column("subject_type", String(64)),
    Column("subject_key", String(200)),
    Column("asked", Json),
    Column("before", Json),
    Column("after", Json),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
    Index("ix_audit_entries_action", "store_id", "action", "at", "id"),
    Index("ix_audit_entries_subject", "store_id", "subject_key", "at", "id"),
    Index("ix_audit_entries_token", "store_id", "token_id", "at", "id"),
    sqlite_with_rowid=False,
)
