"""Files of customers bring every field that the API takes: the staging table gets a column for each.

Columns are added alone, each without a value: no row is rewritten, and an import that waits between two of its steps
goes on with what it has staged.
"""

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in _columns():
        op.add_column("import_customers", column)


def downgrade() -> None:
    for column in reversed(_columns()):
        op.drop_column("import_customers", column.name)


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("first_name", sa.String(length=100), nullable=True),
        sa.Column("last_name", sa.String(length=100), nullable=True),
        sa.Column("company", sa.String(length=200), nullable=True),
        sa.Column("email_verified", sa.Boolean(), nullable=True),
        sa.Column("phone_verified", sa.Boolean(), nullable=True),
        sa.Column("registered_from", sa.String(length=64), nullable=True),
        sa.Column("registration_form", sa.String(length=100), nullable=True),
        sa.Column("account_status", sa.String(length=16), nullable=True),
        sa.Column("password_set", sa.Boolean(), nullable=True),
        sa.Column("last_login_at", Instant(), nullable=True),
        sa.Column("preferred_channel", sa.String(length=64), nullable=True),
        sa.Column("note", sa.String(length=2000), nullable=True),
        sa.Column("loyalty_rank", sa.String(length=100), nullable=True),
    ]
