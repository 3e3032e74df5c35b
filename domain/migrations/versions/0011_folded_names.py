"""Names are searched and sorted by a folded form beside them: of customers, segments, lists and campaigns.

The columns are added without a rewrite; then every row with a name is written once, 10,000 at a time, in the one
transaction of the migration, and the index of customers is built at the end. Rows of imports under way are filled too.
PostgreSQL keeps others from these tables until that is done: two to three minutes for a million customers.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Id
from domain.kit.folded_text import folded

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ROWS = 10_000
_FOLDED = sa.String(300).with_variant(sa.String(300, collation="C"), "postgresql")
_NAMELESS = "\U0010ffff"
_KEYS: Mapping[str, dict[str, Any]] = {
    "customers": {"store_id": sa.Integer, "id": sa.BigInteger},
    "segments": {"store_id": sa.Integer, "id": Id},
    "lists": {"store_id": sa.Integer, "id": Id},
    "campaigns": {"store_id": sa.Integer, "id": Id},
    "import_customers": {"store_id": sa.Integer, "operation_id": Id, "part": sa.Integer, "row": sa.Integer},
}


def upgrade() -> None:
    for table, default in (("customers", _NAMELESS), ("segments", ""), ("lists", ""), ("campaigns", "")):
        op.add_column(table, sa.Column("folded_name", _FOLDED, nullable=False, server_default=default))
    op.add_column("import_customers", sa.Column("folded_name", _FOLDED))
    if op.get_bind().dialect.name == "postgresql":
        # Without statistics, each row below would be looked for among all of its store.
        op.execute(f"ANALYZE {', '.join(_KEYS)}")
    for name, key in _KEYS.items():
        columns = key | {"name": sa.String, "folded_name": _FOLDED}
        _fill(sa.table(name, *(sa.column(*column) for column in columns.items())), key)
    where = sa.text("folded_name >= ''")
    keys = ["store_id", "folded_name", "id"]
    op.create_index("ix_customers_folded_name", "customers", keys, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    op.drop_index("ix_customers_folded_name", table_name="customers")
    for table in _KEYS:
        op.drop_column(table, "folded_name")


def _fill(table: sa.TableClause, names: Iterable[str]) -> None:
    """Fold the names of a table, page by page in the order of its key."""
    connection = op.get_bind()
    key = [table.c[name] for name in names]
    page = sa.select(*key, table.c.name).where(table.c.name.is_not(None)).order_by(*key).limit(_ROWS)
    is_row = [column == sa.bindparam(f"key_{column.name}") for column in key]
    fold = sa.update(table).where(*is_row).values(folded_name=sa.bindparam("folded"))
    rows = connection.execute(page).all()
    while rows:
        values = [
            {f"key_{column.name}": value for column, value in zip(key, row, strict=False)} | {"folded": folded(row[-1])}
            for row in rows
        ]
        connection.execute(fold, values)
        last = sa.tuple_(*(sa.literal(value, column.type) for column, value in zip(key, rows[-1], strict=False)))
        rows = connection.execute(page.where(sa.tuple_(*key) > last)).all()
