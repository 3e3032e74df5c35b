"""Rows of events, each customer's beside one another, and their counters."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, text

from domain.kit.db.schema import metadata
from domain.kit.db.types import Instant, Json

# The customer of each event: an event's id is the caller's own, and the store has it once.
event_customers = Table(
    "event_customers",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("event_id", String(200), primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("occurred_at", Instant, primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("type", String(64), nullable=False),
    # A visit's product, a message's campaign, an order that was changed.
    Column("subject", String(200)),
    Column("attributes", Json, nullable=False),
    Column("received_at", Instant, nullable=False),
    Index(None, "store_id", "type", "occurred_at", "customer_id"),
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
