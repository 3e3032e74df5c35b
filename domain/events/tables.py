"""Rows of orders and events, keyed by the caller's own ids, so that a repeat changes nothing."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, String, Table, text

from domain.db.schema import metadata
from domain.db.types import Instant, Json, Money

orders = Table(
    "orders",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", String(200), primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("status", String(32), nullable=False),
    # False for what is cancelled or deleted: such orders never count (SL-55).
    Column("counted", Boolean, nullable=False),
    Column("total", Money, nullable=False),
    Column("source", String(64)),
    Column("updated_at", Instant, nullable=False),
)
Index(
    "ix_orders_customer",
    orders.c.store_id,
    orders.c.customer_id,
    orders.c.placed_at,
    postgresql_where=text("counted"),
    postgresql_include=["total"],
    sqlite_where=text("counted"),
)
Index(
    "ix_orders_placed",
    orders.c.store_id,
    orders.c.placed_at,
    orders.c.customer_id,
    orders.c.total,
    postgresql_where=text("counted"),
    sqlite_where=text("counted"),
)

order_items = Table(
    "order_items",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("order_id", String(200), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("counted", Boolean, nullable=False),
    Column("product", String(200)),
    Column("name", String(200)),
    Column("category", String(200)),
    Column("brand", String(200)),
    Column("quantity", Double, nullable=False),
    Column("price", Money, nullable=False),
    sqlite_with_rowid=False,
)
for _kind in ("product", "category", "brand"):
    Index(
        f"ix_order_items_{_kind}",
        order_items.c.store_id,
        order_items.c[_kind],
        order_items.c.placed_at,
        order_items.c.customer_id,
        postgresql_where=text("counted"),
        sqlite_where=text("counted"),
    )

events = Table(
    "events",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", String(200), primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("type", String(64), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("attributes", Json, nullable=False),
    Column("received_at", Instant, nullable=False),
    Index(None, "store_id", "type", "occurred_at", "customer_id"),
    Index(None, "store_id", "customer_id", "occurred_at"),
)
