"""Calls of a store's channel, whose code runs in a process of its own: its settings and its state come along."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from muster_sdk import AccountReport, Unreachable

from domain.campaigns.model import CampaignStatus
from domain.channels import states
from domain.channels.calls import call_channel
from domain.kit.db import Database, Transaction
from domain.kit.secret_keys import SecretKey
from domain.services import Services
from domain.sessions import calls
from domain.sessions.session import ChannelBroken
from domain.stores import queries as stores
from domain.stores.channels import ChannelUnavailable
from plugins.sealing import seal
from tests.factories import NOW
from tests.plugins.isolation.test_deliveries import RECIPIENTS, reload, working, zoo_runtime
from tests.plugins.isolation.test_deliveries import send as launch_campaigns


@pytest.fixture
async def services(database_url: str) -> AsyncIterator[Services]:
    runtime = zoo_runtime(database_url)
    yield runtime.services
    await runtime.close()


async def configure(services: Services, store_id: int, check: str = "") -> None:
    sealed = seal({"log": "/dev/null", "check": check}, SecretKey(b"k" * 16), store_id, "zoo")
    async with services.database.write() as tx:
        await stores.install(tx, store_id, "zoo", sealed, NOW)


async def state_of(services: Services, store_id: int) -> dict[str, object]:
    async with services.database.read() as tx:
        return await states.load(tx, store_id, "zoo")


async def test_the_state_outlives_the_call_with_what_was_recorded(services: Services, store_id: int) -> None:
    await configure(services, store_id)
    await call_channel(services, store_id, "zoo", calls.check())
    assert await state_of(services, store_id) == {"checks": 1}

    async def record(tx: Transaction, report: AccountReport) -> None:
        await stores.install(tx, store_id, report.account, None, NOW)

    assert (await call_channel(services, store_id, "zoo", calls.check(), record)).account == "The zoo"
    assert await state_of(services, store_id) == {"checks": 2}
    async with services.database.read() as tx:
        assert "The zoo" in await stores.installations(tx, store_id)


@pytest.mark.parametrize(("how", "error"), [("away", Unreachable), ("fail", ChannelBroken), ("leave", ChannelBroken)])
async def test_a_call_that_fails_leaves_the_state_as_it_was(
    services: Services, store_id: int, how: str, error: type[Exception]
) -> None:
    await configure(services, store_id, how)
    with pytest.raises(error):
        await call_channel(services, store_id, "zoo", calls.check())
    assert await state_of(services, store_id) == {}


async def test_a_record_that_fails_takes_the_state_along(services: Services, store_id: int) -> None:
    await configure(services, store_id)

    async def record(tx: Transaction, report: AccountReport) -> None:
        raise LookupError(report.account)

    with pytest.raises(LookupError):
        await call_channel(services, store_id, "zoo", calls.check(), record)
    assert await state_of(services, store_id) == {}


async def test_a_channel_that_nobody_can_ask_is_refused(services: Services, store_id: int) -> None:
    with pytest.raises(ChannelUnavailable, match="not installed"):
        await call_channel(services, store_id, "zoo", calls.check())
    async with services.database.write() as tx:
        await stores.install(tx, store_id, "zoo", None, NOW)
    with pytest.raises(ChannelUnavailable, match="no settings"):
        await call_channel(services, store_id, "zoo", calls.check())


@pytest.mark.slow
async def test_what_a_sending_channel_puts_is_stored_and_further_sending_finds_it(
    database: Database, store_id: int, database_url: str, tmp_path: Path
) -> None:
    async with database.write() as tx:
        await states.store(tx, store_id, "zoo", {"sent": 30, "other": "stays"})
    (campaign,) = await launch_campaigns(database, store_id, tmp_path, {})
    async with working(database_url):
        async with asyncio.timeout(60):
            while (await reload(database, campaign)).status is CampaignStatus.SENDING:  # noqa: ASYNC110 - no notice
                await asyncio.sleep(0.1)
    async with database.read() as tx:
        assert await states.load(tx, store_id, "zoo") == {"sent": 30 + RECIPIENTS, "other": "stays"}
