"""Rows of orders, each customer's beside one another; favourites are counted of them."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, SmallInteger, String, Table, text

from domain.kit.db.schema import metadata
from domain.kit.db.types import Instant, Money

# What the store says that statuses mean; of others the shops' own words hold (domain/orders/meanings.py).
order_statuses = Table(
    "order_statuses",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("status", String(32), primary_key=True),
    Column("meaning", String(16), nullable=False),
    sqlite_with_rowid=False,
)

# The customer of each order: an order's id is the caller's own, and the store has it once.
order_customers = Table(
    "order_customers",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("order_id", String(200), primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

orders = Table(
    "orders",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String(200), primary_key=True),
    Column("placed_at", Instant, nullable=False),
    Column("status", String(32), nullable=False),
    Column("payment_status", String(32)),
    Column("delivery_status", String(32)),
    # Whether it is bought: a sale by its statuses (SL-55), and no return (SL-59).
    Column("counted", Boolean, nullable=False),
    # The amount paid, less the amount refunded, in the store's currency; null where it was paid in another.
    Column("total", Money),
    Column("refunded", Money, nullable=False, server_default="0"),
    Column("lines", Integer, nullable=False, server_default="0"),
    Column("quantity", Double, nullable=False, server_default="0"),
    Column("source", String(64)),
    Column("coupon", String(100)),
    # The campaign that it is attributed to.
    Column("campaign", String(64)),
    # By the store's clock when it came in: Monday is 1.
    Column("weekday", SmallInteger),
    Column("month_day", SmallInteger),
    Column("hour", SmallInteger),
    Column("updated_at", Instant, nullable=False),
    # ISO 4217, as the order says; null for the store's. What was paid in another currency stands apart, unrefunded.
    Column("currency", String(3)),
    Column("foreign_total", Money),
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
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", String(200), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("placed_at", Instant, nullable=False),
    # That of its order, and no piece that is taken back.
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
        postgresql_where=text(f"counted AND {_kind} IS NOT NULL"),
        # An order counts once, however many of its items do; SQLite's indexes hold the key anyway.
        postgresql_include=["order_id"],
        sqlite_where=text(f"counted AND {_kind} IS NOT NULL"),
    )

# Tags of items (facet "tag"), and their attributes such as size or colour.
order_item_facets = Table(
    "order_item_facets",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", String(200), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("facet", String(64), primary_key=True),
    Column("value", String(200), primary_key=True),
    Index("ix_order_item_facets_value", "store_id", "facet", "value", "customer_id", "order_id", "position"),
    sqlite_with_rowid=False,
)

# The value of which a customer buys most, of each kind: "product", "category", "brand", "department".
customer_favourites = Table(
    "customer_favourites",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    Column("value", String(200), nullable=False),
    Index(None, "store_id", "kind", "value", "customer_id"),
    sqlite_with_rowid=False,
)
