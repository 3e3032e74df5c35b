"""Rows of receipts that wait to be folded; one that was folded, or belongs to nothing for too long, is deleted."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, LargeBinary, String, Table, Text

from domain.kit.db.schema import metadata
from domain.kit.db.types import Id, Instant

receipts = Table(
    "receipts",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("channel", String(64), primary_key=True),
    # A hash of what makes it the same event when it comes again.
    Column("identity", LargeBinary(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    # By the provider's clock.
    Column("at", Instant, nullable=False),
    # As message_references has it; null where the message is known already.
    Column("reference", String(201)),
    Column("campaign_id", Id),
    Column("customer_id", BigInteger),
    Column("reason", Text),
    Column("url", Text),
    # By the database's clock.
    Column("received_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    Index(None, "store_id", "next_at"),
    sqlite_with_rowid=False,
)

# When a store's channel is asked next, whose provider has to be; while it is asked, the end of the lease.
receipt_polls = Table(
    "receipt_polls",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("channel", String(64), primary_key=True),
    Column("due_at", Instant, nullable=False),
    # Why it could not be asked the last time.
    Column("problem", Text),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
)
