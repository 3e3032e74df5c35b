"""Tables of customers' scores, and of the thresholds that each store is scored by."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
)

from domain.kit.db.schema import metadata
from domain.kit.db.types import Money

# Every customer who existed when the store was last scored has a row.
customer_scores = Table(
    "customer_scores",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    # From 1 to 5; null for who has not ordered.
    Column("recency", SmallInteger),
    Column("frequency", SmallInteger),
    Column("monetary", SmallInteger),
    Column("rfm_group", String(24), nullable=False),
    Column("stage", String(24), nullable=False),
    Column("shopper_type", String(24)),
    Column("repurchase_position", String(24)),
    # The day on which it became so.
    Column("computed_on", Date, nullable=False),
    Index(None, "store_id", "rfm_group", "customer_id"),
    Index(None, "store_id", "stage", "customer_id"),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 80},
)

lifecycles = Table(
    "lifecycles",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    # The store's day for which a job was last added, and the one that was last done.
    Column("scheduled_on", Date),
    Column("computed_on", Date),
    # Thresholds chosen by hand; null: found from the orders.
    Column("active_days", Integer),
    Column("lost_days", Integer),
    Column("introduce_days", Integer),
    Column("loyal_orders", Integer),
    Column("high_spend", Money),
    Column("repurchase_days", Integer),
    # Thresholds of the last scores.
    Column("measured", Boolean),
    Column("used_active_days", Integer),
    Column("used_lost_days", Integer),
    Column("used_introduce_days", Integer),
    Column("used_loyal_orders", Integer),
    Column("used_high_spend", Money),
    Column("used_cycle", Double),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
)
