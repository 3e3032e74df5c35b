"""Rows of imports, the pieces of their files, and the files' rows, staged until all of a file is known to be right."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, LargeBinary, String, Table, Text

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

# By customer, so that a customer's orders are merged, and counted, together.
import_orders = Table(
    "import_orders",
    metadata,
    *_keys(),
    Column("customer_external_id", String(200), primary_key=True),
    Column("order_id", String(200), primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("placed_at", Instant, nullable=False),
    Column("status", String(32), nullable=False),
    Column("counted", Boolean, nullable=False),
    Column("total", Money),
    Column("product", String(200)),
    Column("name", String(200)),
    Column("category", String(200)),
    Column("brand", String(200)),
    # None where the row names an order and no item of it.
    Column("quantity", Double),
    Column("price", Money),
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

STAGED = (import_customers, import_matches, import_orders, import_problems)
