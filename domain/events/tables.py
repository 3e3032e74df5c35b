"""Rows of orders and events, keyed by the caller's own ids, so that a repeat changes nothing."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, SmallInteger, String, Table, text

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
    Column("payment_status", String(32)),
    Column("delivery_status", String(32)),
    # False for what is cancelled or deleted: such orders never count (SL-55).
    Column("counted", Boolean, nullable=False),
    # What was paid, less what was given back.
    Column("total", Money, nullable=False),
    Column("refunded", Money, nullable=False, server_default="0"),
    Column("lines", Integer, nullable=False, server_default="0"),
    Column("quantity", Double, nullable=False, server_default="0"),
    Column("source", String(64)),
    Column("coupon", String(100)),
    # The campaign that it is ascribed to.
    Column("campaign", String(64)),
    # By the store's clock when it came in: Monday is 1.
    Column("weekday", SmallInteger),
    Column("month_day", SmallInteger),
    Column("hour", SmallInteger),
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
    Column("variant", String(200)),
    Column("category", String(200)),
    Column("department", String(200)),
    Column("brand", String(200)),
    Column("quantity", Double, nullable=False),
    Column("price", Money, nullable=False),
    sqlite_with_rowid=False,
)
for _kind in ("product", "category", "department", "brand"):
    Index(
        f"ix_order_items_{_kind}",
        order_items.c.store_id,
        order_items.c[_kind],
        order_items.c.placed_at,
        order_items.c.customer_id,
        postgresql_where=text("counted"),
        sqlite_where=text("counted"),
    )

# What else an item is: its tags (facet "tag"), and attributes such as its size or colour.
order_item_facets = Table(
    "order_item_facets",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("order_id", String(200), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("facet", String(64), primary_key=True),
    Column("value", String(200), primary_key=True),
    Index(None, "store_id", "facet", "value", "order_id", "position"),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", String(200), primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("type", String(64), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    # What it was about: a visit's product, a message's campaign, an order that was changed.
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

# How often each customer did each thing, the first and the last time.
event_tallies = Table(
    "event_tallies",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("type", String(64), primary_key=True),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Index(None, "store_id", "customer_id"),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 80},
)
