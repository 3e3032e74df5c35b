"""All problems of an import are kept until it ends, for the file that is made of them.

A new table: nothing is rewritten. It is a store's as the other tables are, so that it has their policy.
"""

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Id

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_STORE = "(SELECT CAST(NULLIF(current_setting('muster.store_id', true), '') AS integer))"


def upgrade() -> None:
    op.create_table(
        "import_problems",
        sa.Column("store_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("operation_id", Id, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("row", sa.Integer),
        sa.Column("column", sa.Text),
        sa.Column("value", sa.Text),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16)),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE import_problems ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_store ON import_problems USING (store_id = {_STORE})")


def downgrade() -> None:
    op.drop_table("import_problems")
