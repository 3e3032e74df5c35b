"""Tables and kinds of job take the names that the code uses: counters of events, tracked segments.

Renames alone: no row is read or copied, so that it takes milliseconds whatever the tables hold. SQLite cannot rename an
index, and makes two of them anew; its constraints keep their names, which nothing refers to.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = {"event_tallies": "event_counters", "followed_segments": "tracked_segments"}
_INDEXES = {
    "ix_event_tallies_store_id_customer_id": ("event_counters", ["store_id", "customer_id"]),
    "ix_event_tallies_store_id_type_last_at_customer_id": (
        "event_counters",
        ["store_id", "type", "last_at", "customer_id"],
    ),
    "ix_followed_segments_next_eval_at": ("tracked_segments", ["next_eval_at"]),
}
_CONSTRAINTS = {
    "pk_event_tallies": "event_counters",
    "pk_followed_segments": "tracked_segments",
    "fk_followed_segments_stores": "tracked_segments",
}


def upgrade() -> None:
    for old, new in _TABLES.items():
        op.rename_table(old, new)
    for index, (table, columns) in _INDEXES.items():
        _rename_index(index, _renamed(index), table, columns)
    if op.get_bind().dialect.name == "postgresql":
        for constraint, table in _CONSTRAINTS.items():
            op.execute(sa.text(f"ALTER TABLE {table} RENAME CONSTRAINT {constraint} TO {_renamed(constraint)}"))
    # The id of such a job follows from its kind. The scheduler adds it again: what it is for is in customer_changes.
    op.execute(sa.text("DELETE FROM jobs WHERE kind = 'segments.follow'"))


def downgrade() -> None:
    old_names = {new: old for old, new in _TABLES.items()}
    if op.get_bind().dialect.name == "postgresql":
        for constraint, table in _CONSTRAINTS.items():
            op.execute(sa.text(f"ALTER TABLE {table} RENAME CONSTRAINT {_renamed(constraint)} TO {constraint}"))
    for index, (table, columns) in _INDEXES.items():
        _rename_index(_renamed(index), index, table, columns)
    for new, old in old_names.items():
        op.rename_table(new, old)
    op.execute(sa.text("DELETE FROM jobs WHERE kind = 'memberships.track'"))


def _renamed(name: str) -> str:
    for old, new in _TABLES.items():
        name = name.replace(old, new)
    return name


def _rename_index(old: str, new: str, table: str, columns: list[str]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text(f"ALTER INDEX {old} RENAME TO {new}"))
    else:
        op.drop_index(old, table_name=table)
        op.create_index(new, table, columns)
