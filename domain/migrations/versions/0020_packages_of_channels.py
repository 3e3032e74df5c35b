"""Installed channels name the package that brought them: when it is broken or gone, nothing else knows.

A column without a default: nothing is rewritten. Channels that are installed already get theirs when they are
configured again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channel_installations", sa.Column("package", sa.String(200)))


def downgrade() -> None:
    op.drop_column("channel_installations", "package")
