"""The audit log, which the database itself keeps from being changed; stores say for how many days.

A table without rows, and a column with a default: nothing is rewritten. Triggers refuse to change an entry, to delete
one that the store still keeps, and to empty the table.
"""

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Id, Instant, Json

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_REFUSED = "audit_entries: an entry is not changed, and is deleted only when its store no longer keeps it"

# The table of stores is named by its schema: a temporary one of that name would stand before it.
_POSTGRESQL = (
    f"""
    CREATE FUNCTION audit_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE days integer;
    BEGIN
        IF TG_OP = 'DELETE' THEN
            EXECUTE format('SELECT audit_days FROM %I.stores WHERE id = $1', TG_TABLE_SCHEMA) INTO days
                USING OLD.store_id;
            IF OLD.at < statement_timestamp() - make_interval(days => days) THEN
                RETURN OLD;
            END IF;
        END IF;
        RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'restrict_violation';
    END $$
    """,  # noqa: S608 - words of this file
    """
    CREATE TRIGGER audit_entries_kept BEFORE UPDATE OR DELETE ON audit_entries
        FOR EACH ROW EXECUTE FUNCTION audit_entries_refuse()
    """,
    """
    CREATE TRIGGER audit_entries_not_emptied BEFORE TRUNCATE ON audit_entries
        FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_refuse()
    """,
)
# INSERT OR REPLACE deletes without a trigger for it.
_SQLITE = (
    f"""
    CREATE TRIGGER audit_entries_not_changed BEFORE UPDATE ON audit_entries
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END
    """,
    f"""
    CREATE TRIGGER audit_entries_kept BEFORE DELETE ON audit_entries
    WHEN NOT coalesce(
        OLD.at < CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)
            - (SELECT audit_days FROM stores WHERE id = OLD.store_id) * 86400000000,
        0
    )
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END
    """,  # noqa: S608 - words of this file
    f"""
    CREATE TRIGGER audit_entries_not_replaced BEFORE INSERT ON audit_entries
    WHEN EXISTS (SELECT 1 FROM audit_entries AS a WHERE a.store_id = NEW.store_id AND a.at = NEW.at AND a.id = NEW.id)
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END
    """,  # noqa: S608 - words of this file
)


def upgrade() -> None:
    op.add_column("stores", sa.Column("audit_days", sa.Integer(), nullable=False, server_default="365"))
    op.create_table(
        "audit_entries",
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("actor", sa.String(length=16), nullable=False),
        sa.Column("actor_name", sa.String(length=100), nullable=True),
        sa.Column("token_id", Id(), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("codes", sa.String(length=400), nullable=True),
        sa.Column("subject_type", sa.String(length=64), nullable=True),
        sa.Column("subject_key", sa.String(length=200), nullable=True),
        sa.Column("asked", Json(), nullable=True),
        sa.Column("before", Json(), nullable=True),
        sa.Column("after", Json(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_audit_entries_stores")),
        sa.PrimaryKeyConstraint("store_id", "at", "id", name=op.f("pk_audit_entries")),
        sqlite_with_rowid=False,
    )
    for name, column in (("action", "action"), ("subject", "subject_key"), ("token", "token_id")):
        columns = ["store_id", column, "at", "id"]
        op.create_index(f"ix_audit_entries_{name}", "audit_entries", columns, unique=False)
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("audit_entries")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_entries_refuse()")
    op.drop_column("stores", "audit_days")
