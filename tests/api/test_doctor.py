"""The checks of the doctor fail, each in a store with its problem."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, update

from api import doctor
from api.settings import Settings
from api.wiring import Runtime, build
from domain import jobs
from domain.campaigns import launch
from domain.customers.model import CustomerChange
from domain.customers.tables import customer_facts
from domain.customers.upsert import upsert
from domain.kit.db import Database
from domain.stores.tables import channel_installations
from tests.domain.campaigns.stage import add_campaign, add_list
from tests.factories import NOW


@pytest.fixture
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    runtime = build(Settings(database_url=database_url, secret_key=SecretStr("a key for tests alone")))
    yield runtime
    await runtime.close()


async def failures(runtime: Runtime) -> list[tuple[str, str]]:
    return [(check.name, check.message) for check in await doctor.run_checks(runtime) if not check.passed]


async def test_counts_that_differ_from_the_orders(runtime: Runtime, database: Database, store_id: int) -> None:
    async with database.write() as tx:
        customer, _ = await upsert(tx, store_id, CustomerChange(email="a@shop.example"), NOW)
    assert await failures(runtime) == []
    async with database.write() as tx:
        await tx.execute(update(customer_facts).values(order_count=3))
    ((check, message),) = await failures(runtime)
    assert check == "facts"
    assert f"store {store_id}: 1 customers have wrong counts ({customer.id})" in message


async def test_campaigns_that_are_sending_without_a_job(runtime: Runtime, database: Database, store_id: int) -> None:
    async with database.write() as tx:
        list_id = await add_list(tx, store_id, [])
        sending = await add_campaign(tx, store_id, list_id)
        await launch.start(tx, store_id, sending.id)
        stranded = await add_campaign(tx, store_id, list_id)
    ((check, message),) = await failures(runtime)
    assert check == "campaigns"
    assert str(stranded.id) in message
    assert str(sending.id) not in message


async def test_jobs_whose_worker_died(runtime: Runtime, database: Database, store_id: int) -> None:
    async with database.write() as tx:
        job_id = await jobs.add(tx, store_id, "anything", {})
        await jobs.claim(tx, store_id, job_id, "nobody", -1)
    assert [check for check, _ in await failures(runtime)] == ["jobs"]


async def test_channels_that_no_plugin_provides(runtime: Runtime, database: Database, store_id: int) -> None:
    async with database.write() as tx:
        row = {"store_id": store_id, "channel": "pigeon", "installed_at": NOW}
        await tx.execute(insert(channel_installations).values(row))
    assert await failures(runtime) == [
        ("channels", f"store {store_id}: No plugin brings the channel 'pigeon' any more")
    ]


async def test_only_some_of_many_are_named(runtime: Runtime, database: Database, store_id: int) -> None:
    rows = [{"store_id": store_id, "channel": f"c{number}", "installed_at": NOW} for number in range(9)]
    async with database.write() as tx:
        await tx.execute(insert(channel_installations), rows)
    ((_, message),) = await failures(runtime)
    assert message.endswith("; and 4 more")
