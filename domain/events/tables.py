"""Rows of events, keyed by the caller's own ids, and their counters."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, text

from domain.kit.db.schema import metadata
from domain.kit.db.types import Instant, Json

events = Table(
    "events",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", String(200), primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("type", String(64), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    # A visit's product, a message's campaign, an order that was changed.
    Column("subject", String(200)),
    Column("attributes", Json, nullable=False),
    Column("received_at", Instant, nullable=False),
    Index(None, "store_id", "type", "occurred_at", "customer_id"),
    Index(None, "store_id", "customer_id", "occurred_at"),
    Index(
        "ix_events_subject",
        "store_id",
        "type",
        "subject",
        "occurred_at",
        "customer_id",
        postgresql_where=text("subject IS NOT NULL"),
        sqlite_where=text("subject IS NOT NULL"),
    ),
)

# By customer and type: the number of events, the first and the last of them.
event_counters = Table(
    "event_counters",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("type", String(64), primary_key=True),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Index(None, "store_id", "customer_id"),
    Index(None, "store_id", "type", "last_at", "customer_id"),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 80},
)
