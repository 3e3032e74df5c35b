"""Keys of orders, items, facets and events begin with the customer; two tables say whose an order's or event's id is.

So a customer's rows lie beside one another, and a store's can be spread by customer. On PostgreSQL the indexes of the
new keys are built, and facets are copied; SQLite copies all four tables. Nobody can write them meanwhile. The hash of a
token is unique in its store, whose number a token has from this release on; those made before are found by hash alone.
"""

import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEYS = {
    "orders": ["store_id", "customer_id", "id"],
    "order_items": ["store_id", "customer_id", "order_id", "position"],
    "events": ["store_id", "customer_id", "occurred_at", "id"],
}
_KEYS_BEFORE = {
    "orders": ["store_id", "id"],
    "order_items": ["store_id", "order_id", "position"],
    "events": ["store_id", "id"],
}
_ID_TABLES = {
    "order_customers": ("order_id", "INSERT INTO order_customers SELECT store_id, id, customer_id FROM orders"),
    "event_customers": ("event_id", "INSERT INTO event_customers SELECT store_id, id, customer_id FROM events"),
}
_FACETS, _OLD_FACETS = "order_item_facets", "order_item_facets_old"
_FACET_INDEX, _FACET_INDEX_BEFORE = (
    "ix_order_item_facets_value",
    "ix_order_item_facets_store_id_facet_value_order_id_position",
)


def upgrade() -> None:
    for table, (key, fill) in _ID_TABLES.items():
        op.create_table(
            table,
            sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column(key, sa.String(length=200), nullable=False),
            sa.Column("customer_id", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("store_id", key, name=op.f(f"pk_{table}")),
            sqlite_with_rowid=False,
        )
        op.execute(sa.text(fill))
    op.drop_index("ix_order_items_customer", table_name="order_items")
    op.drop_index("ix_events_store_id_customer_id_occurred_at", table_name="events")
    for table, key_columns in _KEYS.items():
        _replace_key(table, key_columns)
    op.drop_index(_FACET_INDEX_BEFORE, table_name=_FACETS)
    # Facets of no order, which nothing reads, stay behind.
    _replace_facets(
        [sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False)],
        """
        INSERT INTO order_item_facets SELECT f.store_id, o.customer_id, f.order_id, f.position, f.facet, f.value
        FROM order_item_facets_old AS f
        JOIN order_customers AS o ON o.store_id = f.store_id AND o.order_id = f.order_id
        """,
    )
    op.create_index(
        _FACET_INDEX, _FACETS, ["store_id", "facet", "value", "customer_id", "order_id", "position"], unique=False
    )
    op.drop_index("ix_api_tokens_hash", table_name="api_tokens")
    op.create_index("ix_api_tokens_hash", "api_tokens", ["hash"], unique=False)
    op.create_index("ix_api_tokens_store_id_hash", "api_tokens", ["store_id", "hash"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_api_tokens_store_id_hash", table_name="api_tokens")
    op.drop_index("ix_api_tokens_hash", table_name="api_tokens")
    op.create_index("ix_api_tokens_hash", "api_tokens", ["hash"], unique=True)
    op.drop_index(_FACET_INDEX, table_name=_FACETS)
    _replace_facets(
        [],
        """
        INSERT INTO order_item_facets SELECT store_id, order_id, position, facet, value FROM order_item_facets_old
        """,
    )
    op.create_index(_FACET_INDEX_BEFORE, _FACETS, ["store_id", "facet", "value", "order_id", "position"], unique=False)
    for table, key_columns in _KEYS_BEFORE.items():
        _replace_key(table, key_columns)
    op.create_index(
        "ix_events_store_id_customer_id_occurred_at", "events", ["store_id", "customer_id", "occurred_at"], unique=False
    )
    op.create_index(
        "ix_order_items_customer",
        "order_items",
        ["store_id", "customer_id"],
        unique=False,
        postgresql_where=sa.text("counted"),
        sqlite_where=sa.text("counted"),
    )
    for table in _ID_TABLES:
        op.drop_table(table)


def _replace_key(table: str, columns: list[str]) -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        op.create_primary_key(f"pk_{table}", table, columns)
        return
    statements = sa.text("SELECT sql FROM sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL ORDER BY type DESC")
    create_table, *create_indexes = connection.execute(statements, {"table": table}).scalars().all()
    op.rename_table(table, f"{table}_old")
    connection.exec_driver_sql(re.sub(r"PRIMARY KEY \([^)]*\)", f"PRIMARY KEY ({', '.join(columns)})", create_table))
    connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM {table}_old")  # noqa: S608 - names of this file
    op.drop_table(f"{table}_old")
    for create_index in create_indexes:
        connection.exec_driver_sql(create_index)


def _replace_facets(customer: list[sa.Column[int]], fill: str) -> None:
    op.rename_table(_FACETS, _OLD_FACETS)
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(f"pk_{_FACETS}", _OLD_FACETS, type_="primary")
    columns: list[sa.Column[Any]] = [
        sa.Column("store_id", sa.Integer(), autoincrement=False, nullable=False),
        *customer,
        sa.Column("order_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("facet", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
    ]
    op.create_table(
        _FACETS,
        *columns,
        sa.PrimaryKeyConstraint(*(column.name for column in columns), name=op.f(f"pk_{_FACETS}")),
        sqlite_with_rowid=False,
    )
    op.execute(sa.text(fill))
    op.drop_table(_OLD_FACETS)
