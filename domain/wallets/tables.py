"""Rows of lots, last changes and coupons; the events that made them are stored among the other events."""

from sqlalchemy import BigInteger, Column, Date, Index, Integer, String, Table, text

from domain.kit.db.schema import metadata
from domain.kit.db.types import Instant, Money

# A lot is what one event brought, all of which expires together; the lot that expires first is spent first.
lots = Table(
    "wallet_lots",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    # "points", "credits", "gift_card"
    Column("kind", String(16), primary_key=True),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    # The id of the event that brought it.
    Column("id", String(200), primary_key=True),
    Column("remaining", Money, nullable=False),
    # The last day on which it can be spent; null: never expires.
    Column("expires_on", Date),
    sqlite_with_rowid=False,
)
Index(
    "ix_wallet_lots_expires",
    lots.c.store_id,
    lots.c.kind,
    lots.c.expires_on,
    lots.c.customer_id,
    lots.c.remaining,
    postgresql_where=text("remaining <> 0"),
    sqlite_where=text("remaining <> 0"),
)

# A customer's last change of each kind.
changes = Table(
    "wallet_changes",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("amount", Money, nullable=False),
    Column("reason", String(100)),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

coupons = Table(
    "customer_coupons",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    # What the customer types in; the coupon's key where all customers share one.
    Column("code", String(100), primary_key=True),
    Column("coupon", String(100), nullable=False),
    Column("received_at", Instant),
    # The last day on which it can be used; null: never expires.
    Column("expires_on", Date),
    Column("used_at", Instant),
    Index(None, "store_id", "coupon", "customer_id"),
    sqlite_with_rowid=False,
)
