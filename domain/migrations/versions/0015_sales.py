"""Orders are sales by what the store says of their statuses, and their amounts have a currency.

Every status that counts so far is entered as a sale, so that no figure changes here: one scan of the orders. A job for
each store that has orders then lets the shops' own words mean what they mean, and counts again in short transactions;
words that no shop is known by stay sales. On PostgreSQL no row is rewritten; SQLite copies the orders, for their total
may be null from here on. Files of orders that are being imported are read again from their start.
"""

import re
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Id, Instant, Json, Money

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_STORE = "(SELECT CAST(NULLIF(current_setting('muster.store_id', true), '') AS integer))"
_JOB_KIND = "orders.recount"
_TOTAL = re.compile(r"(\btotal BIGINT)( NOT NULL)?")


def upgrade() -> None:
    op.create_table(
        "order_statuses",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("meaning", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "status", name=op.f("pk_order_statuses")),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO order_statuses SELECT DISTINCT store_id, status, 'SALE' FROM orders WHERE counted")
    _let_total_be_null(nullable=True)
    op.add_column("orders", sa.Column("currency", sa.String(length=3)))
    op.add_column("orders", sa.Column("foreign_total", Money()))
    op.add_column("customer_facts", sa.Column("foreign_order_count", sa.Integer(), nullable=False, server_default="0"))
    _add_jobs()
    op.drop_table("import_orders")
    _restart_imports()
    _create_staging()
    _protect("order_statuses", "import_order_rows", "import_orders")


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM jobs WHERE kind = :kind").bindparams(kind=_JOB_KIND))
    op.drop_table("import_order_rows")
    op.drop_table("import_orders")
    _restart_imports()
    op.create_table(
        "import_orders",
        *_keys(),
        sa.Column("customer_external_id", sa.String(length=200), nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("placed_at", Instant(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("total", Money()),
        *(sa.Column(name, sa.String(length=200)) for name in ("product", "name", "category", "brand")),
        sa.Column("quantity", sa.Double()),
        sa.Column("price", Money()),
        sa.PrimaryKeyConstraint(
            "store_id", "operation_id", "customer_external_id", "order_id", "row", name=op.f("pk_import_orders")
        ),
        sqlite_with_rowid=False,
    )
    _protect("import_orders")
    op.execute("UPDATE orders SET total = 0 WHERE total IS NULL")
    op.drop_column("customer_facts", "foreign_order_count")
    for name in ("foreign_total", "currency"):
        op.drop_column("orders", name)
    _let_total_be_null(nullable=False)
    op.drop_table("order_statuses")


def _let_total_be_null(*, nullable: bool) -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.alter_column("orders", "total", nullable=nullable)
        return
    statements = sa.text(
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'orders' AND sql IS NOT NULL ORDER BY type DESC"
    )
    create_table, *create_indexes = connection.execute(statements).scalars().all()
    declared = _TOTAL.sub(r"\1" if nullable else r"\1 NOT NULL", create_table, count=1)
    op.rename_table("orders", "orders_old")
    connection.exec_driver_sql(declared)
    connection.exec_driver_sql("INSERT INTO orders SELECT * FROM orders_old")
    op.drop_table("orders_old")
    for create_index in create_indexes:
        connection.exec_driver_sql(create_index)


def _add_jobs() -> None:
    connection = op.get_bind()
    jobs = sa.table(
        "jobs",
        sa.column("store_id", sa.Integer()),
        sa.column("id", Id()),
        sa.column("queue", sa.String()),
        sa.column("kind", sa.String()),
        sa.column("payload", Json()),
        sa.column("status", sa.String()),
        sa.column("due_at", Instant()),
        sa.column("fence", sa.BigInteger()),
        sa.column("deaths", sa.Integer()),
        sa.column("created_at", Instant()),
    )
    now = (
        sa.func.statement_timestamp()
        if connection.dialect.name == "postgresql"
        else sa.literal_column("CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)")
    )
    stores = connection.execute(sa.text("SELECT DISTINCT store_id FROM orders")).scalars().all()
    for store_id in stores:
        values: dict[str, Any] = {
            "store_id": store_id,
            "id": uuid4(),
            "queue": "imports",
            "kind": _JOB_KIND,
            "payload": {"upgrade": True},
            "status": "queued",
            "due_at": now,
            "fence": 0,
            "deaths": 0,
            "created_at": now,
        }
        connection.execute(sa.insert(jobs).values(values))


def _restart_imports() -> None:
    """Have files of orders that are under way staged anew, by the columns that the staging table has now."""
    connection = op.get_bind()
    imports = sa.table(
        "imports",
        sa.column("store_id", sa.Integer()),
        sa.column("operation_id", Id()),
        sa.column("kind", sa.String()),
        sa.column("progress", Json()),
    )
    problems = sa.table("operation_problems", sa.column("store_id", sa.Integer()), sa.column("operation_id", Id()))
    under_way = sa.select(imports.c.store_id, imports.c.operation_id, imports.c.progress)
    for store_id, operation_id, progress in connection.execute(under_way.where(imports.c.kind == "orders")).all():
        restarted = {"phase": "stage"} | {name: progress[name] for name in ("encoding",) if name in progress}
        is_import = (imports.c.store_id == store_id, imports.c.operation_id == operation_id)
        connection.execute(sa.update(imports).where(*is_import).values(progress=restarted))
        is_problem = (problems.c.store_id == store_id, problems.c.operation_id == operation_id)
        connection.execute(sa.delete(problems).where(*is_problem))


def _keys() -> list[sa.Column[Any]]:
    return [
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("operation_id", Id(), nullable=False),
    ]


def _order_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("placed_at", Instant()),
        *(sa.Column(name, sa.String(length=32)) for name in ("status", "payment_status", "delivery_status")),
        sa.Column("total", Money()),
        sa.Column("currency", sa.String(length=3)),
        sa.Column("coupon", sa.String(length=100)),
        sa.Column("source", sa.String(length=64)),
        sa.Column("campaign", sa.String(length=64)),
    ]


def _create_staging() -> None:
    op.create_table(
        "import_order_rows",
        *_keys(),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("head", sa.Boolean(), nullable=False),
        sa.Column("customer_external_id", sa.String(length=200)),
        sa.Column("customer_email", sa.String(length=254)),
        sa.Column("customer_phone", sa.String(length=32)),
        *_order_columns(),
        sa.Column("quantity", sa.Double()),
        sa.Column("price", Money()),
        *(
            sa.Column(name, sa.String(length=200))
            for name in ("product", "name", "category", "brand", "department", "variant")
        ),
        sa.Column("tags", sa.Text()),
        sa.PrimaryKeyConstraint("store_id", "operation_id", "order_id", "row", name=op.f("pk_import_order_rows")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_orders",
        *_keys(),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("last_row", sa.Integer(), nullable=False),
        sa.Column("named_customer_id", sa.BigInteger()),
        sa.Column("stored_customer_id", sa.BigInteger()),
        *_order_columns(),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("pieces", sa.Double()),
        sa.Column("amount", sa.Double()),
        sa.PrimaryKeyConstraint("store_id", "operation_id", "customer_id", "order_id", name=op.f("pk_import_orders")),
        sqlite_with_rowid=False,
    )


def _protect(*tables: str) -> None:
    """Let requests see their own store's rows alone, as migration 0009 does."""
    if op.get_bind().dialect.name == "postgresql":
        for table in tables:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY of_store ON {table} USING (store_id = {_STORE})")
