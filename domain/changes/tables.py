"""Rows of changes: the marks are short-lived, the versions are a few rows a store."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, String, Table

from domain.kit.db.schema import metadata
from domain.kit.db.types import Instant

# Customers from one id to another, changed in one transaction; tracking memberships deletes the marks it has read.
customer_changes = Table(
    "customer_changes",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", String(36), primary_key=True),
    Column("kinds", Integer, nullable=False),
    Column("first_id", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    # When the change takes effect: an order of tomorrow changes its customer tomorrow.
    Column("due_at", Instant, nullable=False),
    Index(None, "store_id", "due_at"),
)

# Counts of writes by kind. Concurrent writers count on rows of their own; the sums are the versions.
store_versions = Table(
    "store_versions",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("existence", BigInteger, nullable=False),
    Column("profile", BigInteger, nullable=False),
    Column("contacts", BigInteger, nullable=False),
    Column("orders", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("wallets", BigInteger, nullable=False),
    Column("groups", BigInteger, nullable=False),
    Column("segments", BigInteger, nullable=False),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
    postgresql_with={"fillfactor": 50},
)
