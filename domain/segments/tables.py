"""Tables of segments, of the ranks that their filters compare by, and of lists, which filters refer to too."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from domain.kit.db.schema import metadata
from domain.kit.db.types import FOLDED, Id, Instant, Json

segments = Table(
    "segments",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True),
    Column("name", String(50), nullable=False),
    Column("folded_name", FOLDED, nullable=False, server_default=""),
    # The name of its lists, whatever it is renamed to (SL-15).
    Column("list_name", String(50), nullable=False),
    Column("description", Text),
    Column("kind", String(16), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("include", Json),
    Column("exclude", Json),
    Column("update_mode", String(16), nullable=False),
    Column("every_days", Integer),
    Column("started_on", Date, nullable=False),
    Column("next_refresh_at", Instant),
    Column("last_refreshed_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
    Index(None, "store_id", "name", unique=True),
    Index(None, "next_refresh_at"),
)

# Customers picked by hand for a static segment.
segment_members = Table(
    "segment_members",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("segment_id", Id, primary_key=True),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Index(None, "store_id", "customer_id"),
    sqlite_with_rowid=False,
)

# The order of a dimension's values, the lowest first: "tier" from Bronze to Gold.
value_ranks = Table(
    "value_ranks",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("dimension", String(100), primary_key=True),
    Column("value", String(200), primary_key=True),
    Column("rank", Integer, nullable=False),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
)

lists = Table(
    "lists",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True),
    Column("segment_id", Id, nullable=False),
    Column("name", String(60), nullable=False),
    Column("folded_name", FOLDED, nullable=False, server_default=""),
    Column("number", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("count", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("problem", Text),
    ForeignKeyConstraint(["store_id", "segment_id"], ["segments.store_id", "segments.id"]),
    Index(None, "store_id", "segment_id", "number", unique=True),
    # Few at a time.
    Index(
        "ix_lists_generating",
        "store_id",
        "id",
        postgresql_where=text("status = 'GENERATING'"),
        sqlite_where=text("status = 'GENERATING'"),
    ),
)

list_members = Table(
    "list_members",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("list_id", Id, primary_key=True),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
