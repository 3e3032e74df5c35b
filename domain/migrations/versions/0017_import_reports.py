"""An import tells how it has read its file, files have postal addresses, and events come by files too.

New tables, and a column without a default: nothing is rewritten.
"""

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Id, Instant, Json

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TABLES = ("import_reports", "import_samples", "import_events")
_STORE = "(SELECT CAST(NULLIF(current_setting('muster.store_id', true), '') AS integer))"


def _key() -> list[sa.Column[object]]:
    return [
        sa.Column("store_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("operation_id", Id, primary_key=True),
    ]


def upgrade() -> None:
    op.create_table(
        "import_reports", *_key(), sa.Column("report", Json, nullable=False), sa.Column("created_at", Instant)
    )
    op.create_index("ix_import_reports_created_at", "import_reports", ["created_at"])
    op.create_table(
        "import_samples",
        *_key(),
        sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("fields", Json, nullable=False),
        sa.Column("external_id_hash", sa.LargeBinary(32)),
        sa.Column("email_hash", sa.LargeBinary(32)),
        sa.Column("phone_hash", sa.LargeBinary(32)),
        sa.Column("created_at", Instant),
    )
    op.create_index("ix_import_samples_created_at", "import_samples", ["created_at"])
    op.create_table(
        "import_events",
        *_key(),
        sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.add_column("import_customers", sa.Column("addresses", sa.Text))
    op.add_column("import_order_rows", sa.Column("customer_name", sa.String(200)))
    if op.get_bind().dialect.name == "postgresql":
        for table in _TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY of_store ON {table} USING (store_id = {_STORE})")


def downgrade() -> None:
    op.drop_column("import_order_rows", "customer_name")
    op.drop_column("import_customers", "addresses")
    for table in _TABLES:
        op.drop_table(table)
