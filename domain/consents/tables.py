"""Rows of what stays of a person who was erased: keyed hashes of the addresses that said no."""

from sqlalchemy import Column, ForeignKeyConstraint, Integer, LargeBinary, String, Table

from domain.kit.db.schema import metadata
from domain.kit.db.types import Instant

# Of an address nothing can be read in its hash, and without the installation's key no address can be compared with it.
suppressions = Table(
    "suppressions",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), primary_key=True),
    # Every channel after an erasure, one where a link was followed whose customer is gone.
    Column("channel", String(64), primary_key=True),
    Column("created_at", Instant, nullable=False),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
)
