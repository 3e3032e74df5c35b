"""The doctor goes on whatever breaks, writes nothing, and says no more than can be read (P35)."""

import json
from collections.abc import Sequence
from io import StringIO
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update

from api import doctor
from api.doctor.check import CheckScope, DataCheck, Examination, ProcessCheck
from api.doctor.findings import CheckResult, Finding
from api.doctor.report import print_json, print_table
from api.settings import Settings
from api.wiring import Runtime, build
from domain.campaigns.tables import campaigns
from domain.customers.tables import customer_facts
from domain.kit.db import Database, Transaction
from domain.migrations.tables import metadata
from domain.stores.tables import channel_installations
from tests.api.doctor.plant import plant, remove, result_of, rows, unguarded
from tests.api.doctor.shop import Shop
from tests.factories import NOW

_SLOW = {
    "postgresql": "SELECT pg_sleep(30)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
}


async def break_down(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    raise RuntimeError("the doctor's own fault\nwith a second line")


async def ask_for_what_is_not_there(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    await tx.execute(text("SELECT 1 FROM nowhere"))
    return []


async def find_one(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    await tx.execute(text("SELECT 1"))
    return [Finding("one", scope.store_id or None)]


async def take_long(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    await tx.execute(text(_SLOW[tx.dialect]))
    return []


def check(name: str, *looks: Any, each_store: bool = False) -> DataCheck:
    return DataCheck(name, "well", "do something", [Examination(look) for look in looks], each_store)


async def test_what_breaks_a_look_is_its_finding_and_the_others_go_on(runtime: Runtime, shop: Shop) -> None:
    async def fail(_: Runtime) -> Sequence[Finding]:
        raise OSError("no such device")

    broken = check("broken", find_one, break_down, ask_for_what_is_not_there, find_one)
    process, data, after = await doctor.run_checks(
        runtime, [ProcessCheck("process", "well", "do", fail)], [broken, check("after", find_one)]
    )
    assert process.message == "could not be checked: OSError: no such device"
    first, second, third, fourth = [finding.text for finding in data.findings]
    assert (first, fourth) == ("one", "one")
    assert second == "could not be checked: RuntimeError: the doctor's own fault"
    assert third.startswith("could not be checked: ")
    assert "nowhere" in third
    assert not data.passed
    assert after.message == "one"


async def test_what_breaks_in_a_store_hides_no_other(runtime: Runtime, shop: Shop) -> None:
    async def break_in_one(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
        if scope.store_id == shop.store_id:
            raise ValueError("?")
        return await find_one(tx, scope)

    (result,) = await doctor.run_checks(runtime, [], [check("stores", break_in_one, each_store=True)])
    assert [finding.text for finding in result.findings] == [
        f"store {shop.store_id}: could not be checked: ValueError: ?",
        f"store {shop.other_store_id}: one",
    ]


async def test_a_look_that_takes_long_is_cut_short(runtime: Runtime, shop: Shop) -> None:
    slow, after = await doctor.run_checks(runtime, [], [check("slow", take_long), check("after", find_one)], 0.2)
    assert slow.message == "could not be checked: it took longer than 0.2 s"
    assert after.message == "one"


@pytest.mark.slow
async def test_a_table_that_is_missing_hides_nothing_of_the_others(
    runtime: Runtime, shop: Shop, database_url: str
) -> None:
    async with unguarded(database_url) as connection:
        await connection.execute(text("ALTER TABLE sandbox_messages RENAME TO away"))
        await connection.execute(update(customer_facts).values(order_count=3))
    try:
        failures = {result.name: result for result in await doctor.run_checks(runtime) if not result.passed}
    finally:
        async with unguarded(database_url) as connection:
            await connection.execute(text("ALTER TABLE away RENAME TO sandbox_messages"))
    missing = {name for name, result in failures.items() if "sandbox_messages" in result.message}
    assert {"tables", "references", "json"} <= missing
    assert failures.keys() - missing == {"facts"}
    assert "customers have wrong counts" in failures["facts"].message


async def test_a_database_that_does_not_answer_is_one_result(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"})
    runtime = build(away)
    results = {result.name: result for result in await doctor.run_checks(runtime)}
    await runtime.close()
    assert "the database does not answer" in results["connections"].message
    assert "checks of the data could not be made: the database does not answer" in results["data"].message
    assert len(results) <= len(doctor.PROCESS_CHECKS) + 2


@pytest.mark.slow
async def test_it_only_reads(runtime: Runtime, shop: Shop, database: Database) -> None:
    async def stored() -> dict[str, list[Any]]:
        async with database.read() as tx:
            tables = metadata.sorted_tables
            return {table.name: sorted(map(repr, (await tx.execute(select(table))).all())) for table in tables}

    before = await stored()
    await doctor.run_checks(runtime)
    assert await stored() == before


async def test_only_some_of_many_are_named(runtime: Runtime, database: Database, store_id: int) -> None:
    installed = [{"store_id": store_id, "channel": f"c{number}", "installed_at": NOW} for number in range(90)]
    async with database.write() as tx:
        await tx.execute(insert(channel_installations), installed)
    result = await result_of(runtime, "channels")
    assert result.message.endswith("; and 85 more")
    assert (len(result.findings), result.hidden) == (20, 70)


async def test_rows_are_counted_and_some_are_named(runtime: Runtime, shop: Shop, database_url: str) -> None:
    async with unguarded(database_url) as connection:
        no_orders = {"store_id": shop.store_id, "order_count": 0, "total_spent": 0}
        facts = [{**no_orders, "customer_id": number} for number in range(100, 300)]
        await connection.execute(insert(customer_facts), facts)
    result = await result_of(runtime, "references")
    assert result.message == (
        f"store {shop.store_id}: 200 rows of customer_facts whose customers row is missing (customer_id=100; "
        "customer_id=101; customer_id=102; customer_id=103; customer_id=104; and 195 more)"
    )


async def test_what_is_stored_is_shown_as_text(runtime: Runtime, shop: Shop, database: Database) -> None:
    async with database.write() as tx:
        await tx.execute(update(campaigns).values(status="[/bold]\x1b[2J"))
    results = [await result_of(runtime, "choices")]
    shown = StringIO()
    print_table(results, shown)
    assert "\x1b" not in shown.getvalue()
    assert "[/bold]" in shown.getvalue()


async def test_results_are_written_for_machines(runtime: Runtime, shop: Shop, database_url: str) -> None:
    await plant(database_url, remove(customer_facts, rows(customer_id=2))(shop))
    written = StringIO()
    print_json([await result_of(runtime, "customers"), CheckResult("fine", "well", "do nothing")], written)
    content = json.loads(written.getvalue())
    (failed, fine) = content["checks"]
    assert content["passed"] is False
    assert (failed["name"], failed["status"], fine["status"], fine["advice"]) == ("customers", "FAILED", "ok", None)
    assert failed["findings"] == [
        {
            "problem": "customers without facts",
            "warning": False,
            "storeId": shop.store_id,
            "rows": ["customer_id=2"],
            "total": 1,
        }
    ]


async def test_a_warning_passes_and_a_failure_does_not() -> None:
    warned = CheckResult("check", "well", "do", [Finding("mind", warning=True)])
    assert (warned.passed, warned.warning) == (True, True)
    failed = CheckResult("check", "well", "do", [Finding("mind", warning=True), Finding("broken")])
    assert (failed.passed, failed.warning) == (False, False)
