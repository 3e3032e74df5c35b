"""The doctor finds nothing in a shop in which nothing is wrong, and looks at every table."""

from api import doctor
from api.doctor import registry
from api.doctor.check import CheckScope
from api.wiring import Runtime
from domain.migrations.tables import metadata
from tests.api.doctor.shop import Shop

# Rows that only last while something is being done.
PASSING = {
    *("customer_changes", "import_customers", "import_events", "import_matches", "import_order_rows", "import_orders"),
    *("channel_authorizations", "channel_states", "channel_syncs", "channel_works", "synced_lists"),
    *("account_slots", "channel_accounts"),
    *("conversations", "message_references", "receipt_polls", "receipts"),
    *("import_problems", "import_reports", "import_samples", "jobs", "operation_problems"),
}


async def test_nothing_is_wrong_with_what_the_product_makes(runtime: Runtime, shop: Shop) -> None:
    results = await doctor.run_checks(runtime)
    assert {result.name: result.message for result in results if not result.passed} == {}
    assert {name for name, rows in shop.rows.items() if not rows} == PASSING, "what is empty is not looked at"


async def test_every_table_is_looked_at(runtime: Runtime) -> None:
    """P35."""
    scope = CheckScope(runtime, runtime.database.dialect, runtime.services.clock(), store_id=1)
    names = {table.name for table in registry.tables_looked_at(scope)}
    missing = metadata.tables.keys() - names
    assert missing == set(), (
        "the doctor looks at no row of it: say in REFERENCES of api/doctor/references.py what its rows belong to, "
        "or name it in a check of its own"
    )


def test_checks_have_names_of_their_own() -> None:
    names = [check.name for check in (*registry.PROCESS_CHECKS, *registry.DATA_CHECKS)]
    assert len(names) == len(set(names))
