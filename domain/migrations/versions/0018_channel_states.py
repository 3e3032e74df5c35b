"""Channels keep a state by store, connect accounts, have work that is due, and hand lists over.

New tables: nothing is rewritten.
"""

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Id, Instant, Json

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TABLES = ("channel_states", "channel_authorizations", "channel_works", "channel_syncs", "synced_lists")
_STORE = "(SELECT CAST(NULLIF(current_setting('muster.store_id', true), '') AS integer))"


def _of_channel() -> list[sa.Column[object]]:
    return [
        sa.Column("store_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("channel", sa.String(64), primary_key=True),
    ]


def _store() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["store_id"], ["stores.id"])


def upgrade() -> None:
    op.create_table(
        "channel_states",
        *_of_channel(),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("value", Json, nullable=False),
        _store(),
    )
    op.create_table(
        "channel_authorizations",
        sa.Column("store_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", Id, primary_key=True),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("settings", sa.LargeBinary, nullable=False),
        sa.Column("return_url", sa.String(2000), nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        _store(),
    )
    op.create_index("ix_channel_authorizations_expires_at", "channel_authorizations", ["expires_at"])
    op.create_table(
        "channel_works",
        *_of_channel(),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("worked_at", Instant),
        sa.Column("problem", sa.Text),
        _store(),
    )
    op.create_table(
        "channel_syncs",
        *_of_channel(),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("problem", sa.Text),
        sa.Column("last_synced_at", Instant),
        _store(),
    )
    op.create_table(
        "synced_lists",
        *_of_channel(),
        sa.Column("list_id", Id, primary_key=True),
        sa.Column("provider_id", sa.String(200)),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("contacts", sa.Integer, nullable=False),
        sa.Column("synced_at", Instant),
        _store(),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in _TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY of_store ON {table} USING (store_id = {_STORE})")


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
