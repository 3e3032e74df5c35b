"""A row is its store's for the database too: whoever does not own the tables sees one store at most, the transaction's.

The owner, and so workers and commands, sees every row as before. PostgreSQL alone has policies. Each table is locked
for a moment, until the last one has its policy.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# A sub-select is evaluated once a statement. Outside of a transaction that names its store the setting is null or "".
_STORE = "(SELECT CAST(NULLIF(current_setting('muster.store_id', true), '') AS integer))"
_TABLES = (
    "api_tokens",
    "audit_entries",
    "campaigns",
    "channel_installations",
    "contacts",
    "customer_addresses",
    "customer_changes",
    "customer_coupons",
    "customer_facts",
    "customer_favourites",
    "customer_numbers",
    "customer_origins",
    "customer_properties",
    "customer_scores",
    "customer_tags",
    "customers",
    "deliveries",
    "delivery_batches",
    "event_counters",
    "event_customers",
    "events",
    "idempotency_keys",
    "import_customers",
    "import_matches",
    "import_orders",
    "imports",
    "jobs",
    "lifecycles",
    "list_members",
    "lists",
    "operation_problems",
    "operations",
    "order_customers",
    "order_item_facets",
    "order_items",
    "orders",
    "property_definitions",
    "sandbox_messages",
    "segment_members",
    "segment_memberships",
    "segments",
    "store_versions",
    "suppressed_customers",
    "suppressions",
    "tracked_segments",
    "uploads",
    "value_ranks",
    "wallet_changes",
    "wallet_lots",
)


def upgrade() -> None:
    for table, column in _columns().items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_store ON {table} USING ({column} = {_STORE})")


def downgrade() -> None:
    for table in _columns():
        op.execute(f"DROP POLICY of_store ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def _columns() -> dict[str, str]:
    """Return the column that holds the store's number, by table."""
    if op.get_bind().dialect.name != "postgresql":
        return {}
    return {"stores": "id"} | dict.fromkeys(_TABLES, "store_id")
