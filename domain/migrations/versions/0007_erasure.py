"""Erased persons leave keyed hashes of a no; operations say whose data their files hold, problems whose row they are of.

Columns are added that may be null, and small partial indexes; on PostgreSQL, operations and lists cannot be written
while these are built. Reports that exist get the time of their operation, so that they end as new ones do.
"""

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Id, Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_PARTIAL_INDEXES = (
    ("ix_operations_open", "operations", ["store_id", "id"], "finished_at IS NULL"),
    ("ix_operations_file", "operations", ["store_id", "id"], "file IS NOT NULL"),
    ("ix_operation_problems_subject", "operation_problems", ["store_id", "subject"], "subject IS NOT NULL"),
    ("ix_lists_generating", "lists", ["store_id", "id"], "status = 'GENERATING'"),
)
_BACKFILL = """
UPDATE operation_problems SET created_at = (
    SELECT o.created_at FROM operations AS o
    WHERE o.store_id = operation_problems.store_id AND o.id = operation_problems.operation_id
)
"""


def upgrade() -> None:
    op.create_table(
        "suppressions",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_suppressions_stores")),
        sa.PrimaryKeyConstraint("store_id", "hash", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "suppressed_customers",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("store_id", "customer_id", name=op.f("pk_suppressed_customers")),
        sqlite_with_rowid=False,
    )
    op.add_column("operations", sa.Column("list_id", Id(), nullable=True))
    op.add_column("operations", sa.Column("customer_id", sa.BigInteger(), nullable=True))
    op.add_column("operation_problems", sa.Column("subject", sa.LargeBinary(length=32), nullable=True))
    op.add_column("operation_problems", sa.Column("created_at", Instant(), nullable=True))
    op.add_column("imports", sa.Column("received_at", Instant(), nullable=True))
    op.execute(sa.text(_BACKFILL))
    op.create_index("ix_operation_problems_created_at", "operation_problems", ["created_at"], unique=False)
    for name, table, columns, condition in _PARTIAL_INDEXES:
        where = sa.text(condition)
        op.create_index(name, table, columns, unique=False, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    for name, table, _, _ in reversed(_PARTIAL_INDEXES):
        op.drop_index(name, table_name=table)
    op.drop_index("ix_operation_problems_created_at", table_name="operation_problems")
    op.drop_column("imports", "received_at")
    op.drop_column("operation_problems", "created_at")
    op.drop_column("operation_problems", "subject")
    op.drop_column("operations", "customer_id")
    op.drop_column("operations", "list_id")
    op.drop_table("suppressed_customers")
    op.drop_table("suppressions")
