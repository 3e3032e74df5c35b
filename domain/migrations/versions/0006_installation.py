"""A table for what belongs to the installation: its lasting keys, and by which it knows its database again.

It is empty: the first process that starts with the secret key fills it.
"""

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Id, Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed_keys", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", Id(), nullable=False),
        sa.Column("replaced_epoch", Id(), nullable=True),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", Instant(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )


def downgrade() -> None:
    op.drop_table("installation")
