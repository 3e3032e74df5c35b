"""The indexes that customers are found by begin with the key, and three small ones hold those who may get another key.

On PostgreSQL without statistics, all indexes that begin with the store look alike to a look-up by store and key, and it
may read the whole store through one of them. Six indexes of customers are built anew, and nothing else is rewritten:
seconds a million customers, in which nobody can write them.

Files that are imported are stored as they are: to compress them costs more than to write them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_KEYS = ("external_id", "email", "phone")
_PARTIAL = (("email", "external_id"), ("phone", "external_id"), ("phone", "email"))


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE uploads ALTER content SET STORAGE EXTERNAL")
    for key in _KEYS:
        op.drop_index(f"ix_customers_store_id_{key}", table_name="customers")
        op.create_index(f"ix_customers_{key}", "customers", [key, "store_id"], unique=key == "external_id")
    for key, stronger in _PARTIAL:
        where = sa.text(f"{stronger} IS NULL")
        op.create_index(
            f"ix_customers_{key}_without_{stronger}",
            "customers",
            [key, "store_id"],
            postgresql_where=where,
            sqlite_where=where,
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE uploads ALTER content SET STORAGE EXTENDED")
    for key, stronger in _PARTIAL:
        op.drop_index(f"ix_customers_{key}_without_{stronger}", table_name="customers")
    for key in _KEYS:
        op.drop_index(f"ix_customers_{key}", table_name="customers")
        op.create_index(f"ix_customers_store_id_{key}", "customers", ["store_id", key], unique=key == "external_id")
