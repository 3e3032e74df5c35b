"""Rows of what stays of a person who was erased: keyed hashes of the addresses that said no."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Integer, LargeBinary, Table

from domain.kit.db.schema import metadata
from domain.kit.db.types import Instant

# Of an address nothing can be read in its hash, and without the installation's key no address can be compared with it.
suppressions = Table(
    "suppressions",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), primary_key=True),
    Column("created_at", Instant, nullable=False),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
)

# Customers who came back by an address that had said no; whoever consents anew has no row.
suppressed_customers = Table(
    "suppressed_customers",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
