"""A problem of an import says which cell it is about, and what became of it.

Columns without a default: nothing is rewritten.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operation_problems", sa.Column("column", sa.Text))
    op.add_column("operation_problems", sa.Column("value", sa.Text))
    op.add_column("operation_problems", sa.Column("outcome", sa.String(16)))


def downgrade() -> None:
    for name in ("outcome", "value", "column"):
        op.drop_column("operation_problems", name)
