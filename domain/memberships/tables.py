"""Tables of segments' known members, and of when each segment is evaluated again."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, String, Table

from domain.kit.db.schema import metadata
from domain.kit.db.types import Id, Instant

tracked_segments = Table(
    "tracked_segments",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("segment_id", Id, primary_key=True),
    # Names its conditions when its members were found.
    Column("fingerprint", String(32), nullable=False),
    Column("since", Instant, nullable=False),
    # When the mere passing of time may change its members; null: never.
    Column("next_eval_at", Instant),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
    Index(None, "next_eval_at"),
)

segment_memberships = Table(
    "segment_memberships",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("segment_id", Id, primary_key=True),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("since", Instant, nullable=False),
    Index(None, "store_id", "customer_id"),
    sqlite_with_rowid=False,
)
