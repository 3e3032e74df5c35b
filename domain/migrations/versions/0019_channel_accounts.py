"""Accounts at providers keep to limits that all workers share, and wait where they were refused.

Two new tables, which are empty: nothing is rewritten.
"""

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Id, Instant

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TABLES = ("channel_accounts", "account_slots")
_STORE = "(SELECT CAST(NULLIF(current_setting('muster.store_id', true), '') AS integer))"


def _account() -> list[sa.Column[object]]:
    return [
        sa.Column("store_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("channel", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(200), primary_key=True),
    ]


def upgrade() -> None:
    op.create_table(
        "channel_accounts",
        *_account(),
        sa.Column("arrival_at", Instant),
        sa.Column("turn_at", Instant),
        sa.Column("refused_until", Instant),
        sa.Column("reason", sa.String(500)),
        sa.Column("refusals", sa.Integer, nullable=False),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "account_slots",
        *_account(),
        sa.Column("job_id", Id, primary_key=True),
        sa.Column("fence", sa.Integer, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in _TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY of_store ON {table} USING (store_id = {_STORE})")


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
