"""Rows of stores, their tokens, installed channels and idempotency keys."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from domain.kit.db.schema import metadata
from domain.kit.db.types import Id, Instant

stores = Table(
    "stores",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("static_segment_members", Integer, nullable=False),
    Column("property_conditions", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    # How long entries of the audit log are kept (domain/audit).
    Column("audit_days", Integer, nullable=False, server_default="365"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("store_id", Integer, ForeignKey("stores.id"), primary_key=True),
    Column("id", Id, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("scopes", String(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    Index("ix_api_tokens_store_id_hash", "store_id", "hash", unique=True),
    # Finds the tokens that have no number of their store, which were made before migration 0004.
    Index("ix_api_tokens_hash", "hash"),
)

channel_installations = Table(
    "channel_installations",
    metadata,
    Column("store_id", Integer, ForeignKey("stores.id"), primary_key=True),
    Column("channel", String(64), primary_key=True),
    Column("installed_at", Instant, nullable=False),
    Column("settings", LargeBinary),
    # The Python package that brought it; None before migration 0021.
    Column("package", String(200)),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("store_id", Integer, ForeignKey("stores.id"), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("request", LargeBinary(32), nullable=False),
    Column("subject_id", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
)
