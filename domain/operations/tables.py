"""Rows of operations and of their problems."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from domain.kit.db.schema import metadata
from domain.kit.db.types import Id, Instant

operations = Table(
    "operations",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer),
    # The file that it made: its name in the directory, and its name when it is downloaded.
    Column("file", String(200)),
    Column("file_name", String(200)),
    # Whose data its file holds: the members of a list, or one customer.
    Column("list_id", Id),
    Column("customer_id", BigInteger),
    Column("dry_run", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
    # Few at a time: those that wait or run, and those whose files can be fetched.
    Index(
        "ix_operations_open",
        "store_id",
        "id",
        postgresql_where=text("finished_at IS NULL"),
        sqlite_where=text("finished_at IS NULL"),
    ),
    Index(
        "ix_operations_file",
        "store_id",
        "id",
        postgresql_where=text("file IS NOT NULL"),
        sqlite_where=text("file IS NOT NULL"),
    ),
)

operation_problems = Table(
    "operation_problems",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("operation_id", Id, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("row", Integer),
    Column("message", Text, nullable=False),
    # The cell that it is about, as the file has it, and what became of that or of the whole row.
    Column("column", Text),
    Column("value", Text),
    Column("outcome", String(16)),
    # The customer of the file's row: a keyed hash of the external id or the e-mail address that the row has.
    Column("subject", LargeBinary(32)),
    Column("created_at", Instant),
    Index(
        "ix_operation_problems_subject",
        "store_id",
        "subject",
        postgresql_where=text("subject IS NOT NULL"),
        sqlite_where=text("subject IS NOT NULL"),
    ),
    Index(None, "created_at"),
)
