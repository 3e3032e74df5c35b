"""Receipts tell what became of messages: they wait in a table, find messages by names, and are counted.

New tables, and columns that are null or have a constant: nothing is rewritten.
"""

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Id, Instant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TABLES = ("message_references", "conversations", "receipts", "receipt_polls")
_COUNTS = ("delivered", "opened", "clicked", "bounced", "complained", "unsubscribed")
_STORE = "(SELECT CAST(NULLIF(current_setting('muster.store_id', true), '') AS integer))"


def _channel() -> list[sa.Column[object]]:
    return [
        sa.Column("store_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("channel", sa.String(64), primary_key=True),
    ]


def upgrade() -> None:
    op.create_table(
        "message_references",
        *_channel(),
        sa.Column("reference", sa.String(201), primary_key=True),
        sa.Column("campaign_id", Id, nullable=False),
        sa.Column("customer_id", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_message_references_store_id_campaign_id_customer_id",
        "message_references",
        ["store_id", "campaign_id", "customer_id"],
    )
    op.create_table(
        "conversations",
        *_channel(),
        sa.Column("address", sa.String(500), primary_key=True),
        sa.Column("last_at", Instant, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_conversations_last_at", "conversations", ["last_at"])
    op.create_table(
        "receipts",
        *_channel(),
        sa.Column("identity", sa.LargeBinary(32), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("reference", sa.String(201)),
        sa.Column("campaign_id", Id),
        sa.Column("customer_id", sa.BigInteger),
        sa.Column("reason", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("next_at", Instant, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_receipts_store_id_next_at", "receipts", ["store_id", "next_at"])
    op.create_table(
        "receipt_polls",
        *_channel(),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("problem", sa.Text),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"]),
    )
    op.add_column("deliveries", sa.Column("evidence", sa.SmallInteger))
    op.add_column("deliveries", sa.Column("delivered_at", Instant))
    op.add_column("deliveries", sa.Column("failed_at", Instant))
    for name in _COUNTS:
        op.add_column("delivery_batches", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":
        for table in _TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY of_store ON {table} USING (store_id = {_STORE})")


def downgrade() -> None:
    for name in _COUNTS:
        op.drop_column("delivery_batches", name)
    for name in ("evidence", "delivered_at", "failed_at"):
        op.drop_column("deliveries", name)
    for table in _TABLES:
        op.drop_table(table)
