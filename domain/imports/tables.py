"""Rows of imports, the pieces of their files, and the files' rows, staged until all of a file is known to be right."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, String, Table, Text

from domain.customers.fields import FIELDS
from domain.kit.db.schema import metadata
from domain.kit.db.types import FOLDED, Id, Instant, Json, Money

imports = Table(
    "imports",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("operation_id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    # Written in each step's transaction, so that another worker goes on where one stopped.
    Column("progress", Json, nullable=False),
    # When its last piece came, by the database's clock.
    Column("received_at", Instant),
)

# An uploaded file in pieces, so that any worker on any machine can read it.
uploads = Table(
    "uploads",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("operation_id", Id, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)


def _keys() -> list[Column[object]]:
    return [
        Column("store_id", Integer, primary_key=True, autoincrement=False),
        Column("operation_id", Id, primary_key=True),
    ]


def _order_columns() -> list[Column[Any]]:
    """Return what a file says of an order; None is not said."""
    return [
        Column("placed_at", Instant),
        *(Column(name, String(32)) for name in ("status", "payment_status", "delivery_status")),
        Column("total", Money),
        Column("currency", String(3)),
        Column("coupon", String(100)),
        Column("source", String(64)),
        Column("campaign", String(64)),
    ]


# In a part no external id comes twice, nor an e-mail address among rows without an external id: such rows are folded.
import_customers = Table(
    "import_customers",
    metadata,
    *_keys(),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("row", Integer, primary_key=True, autoincrement=False),
    *(Column(field.name, field.column.type) for field in FIELDS if field.imported),
    Column("folded_name", FOLDED),
    # JSON: lists of objects. A property's value is staged in every type that it can be read as: its type is known
    # when the whole column is.
    Column("tags", Text),
    Column("contacts", Text),
    Column("properties", Text),
    Column("addresses", Text),
    sqlite_with_rowid=False,
)

# The customer of each row of the part that is being merged, where the store knew some of them.
import_matches = Table(
    "import_matches",
    metadata,
    *_keys(),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", BigInteger, nullable=False),
    Column("added", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

# Rows of files of orders. Of each piece, an order's first row (`head`) has all that its rows say of the order.
import_order_rows = Table(
    "import_order_rows",
    metadata,
    *_keys(),
    Column("order_id", String(200), primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("head", Boolean, nullable=False),
    Column("customer_external_id", String(200)),
    Column("customer_email", String(254)),
    Column("customer_phone", String(32)),
    # Of a customer who is created.
    Column("customer_name", String(200)),
    *_order_columns(),
    # None where the row names an order and no item of it.
    Column("quantity", Double),
    Column("price", Money),
    *(Column(name, String(200)) for name in ("product", "name", "category", "brand", "department", "variant")),
    # A JSON list.
    Column("tags", Text),
    sqlite_with_rowid=False,
)

# The orders that a file's rows make, by customer, so that a customer's orders are merged, and counted, together.
import_orders = Table(
    "import_orders",
    metadata,
    *_keys(),
    # 0 where the store has no such customer.
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", String(200), primary_key=True),
    # The number of its rows, and the last of them.
    Column("rows", Integer, nullable=False),
    Column("last_row", Integer, nullable=False),
    # The customer whom the rows name, and the one who has the order in the store.
    Column("named_customer_id", BigInteger),
    Column("stored_customer_id", BigInteger),
    *_order_columns(),
    # Of its items: how many, their pieces, and what they come to, in ten-thousandths.
    Column("lines", Integer, nullable=False),
    Column("pieces", Double),
    Column("amount", Double),
    sqlite_with_rowid=False,
)

import_events = Table(
    "import_events",
    metadata,
    *_keys(),
    Column("row", Integer, primary_key=True, autoincrement=False),
    # JSON: the event as a client would send it.
    Column("event", Text, nullable=False),
    sqlite_with_rowid=False,
)

# All problems of an import, until its file of them is made; `operation_problems` has the first of them.
import_problems = Table(
    "import_problems",
    metadata,
    *_keys(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("row", Integer),
    Column("column", Text),
    Column("value", Text),
    Column("message", Text, nullable=False),
    Column("outcome", String(16)),
    sqlite_with_rowid=False,
)

STAGED = (import_customers, import_matches, import_order_rows, import_orders, import_events, import_problems)

# How an import has read its file; it stays as long as the problems do.
import_reports = Table(
    "import_reports",
    metadata,
    *_keys(),
    Column("report", Json, nullable=False),
    Column("created_at", Instant),
    Index(None, "created_at"),
)

# The first of its rows as they were read, with the keyed hashes of what their customers are known by.
import_samples = Table(
    "import_samples",
    metadata,
    *_keys(),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("fields", Json, nullable=False),
    Column("external_id_hash", LargeBinary(32)),
    Column("email_hash", LargeBinary(32)),
    Column("phone_hash", LargeBinary(32)),
    Column("created_at", Instant),
    Index(None, "created_at"),
)
