"""Nothing is lost, sent twice or said wrongly, though the provider is slow, away, refuses, resets, is late and doubles.

20,000 messages on SQLite in CI, 5,000 elsewhere, or as many as MUSTER_TEST_ROUGH_MESSAGES says.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select

from api.settings import Settings as ServerSettings
from api.settings import child_environment
from api.wiring import Runtime, build
from api.workers import consumers
from domain.campaigns import launch
from domain.campaigns import queries as campaigns
from domain.campaigns.model import CampaignStatus
from domain.customers.tables import contacts, customers
from domain.deliveries import retry
from domain.deliveries.tables import deliveries
from domain.kit import ids
from domain.kit.db import AnyRow, Database
from domain.kit.secret_keys import SecretKey
from domain.stores import queries as stores
from plugins.isolation.sessions import IsolatedSessions
from plugins.sealing import seal
from plugins.store_channels import InstalledChannels
from tests.domain.campaigns.stage import add_campaign, add_list
from tests.factories import NOW
from tests.fakes import plugins_of
from tests.journeys.processes import consent, customer
from tests.journeys.rough_channel import CONNECTIONS, KEYED, PLAIN, RATE, RoughChannel
from tests.journeys.rough_provider import FAULTS, AccountLog, RoughProvider, message_id, rough_provider

ROOT = Path(__file__).parents[2]
KEY = "k" * 16
MESSAGES = os.environ.get("MUSTER_TEST_ROUGH_MESSAGES")
THREADS = 4
CHANNELS = (PLAIN, KEYED)
pytestmark = pytest.mark.journey


@asynccontextmanager
async def working(database_url: str) -> AsyncGenerator[Runtime]:
    """A server's workers, with the two channels in processes of their own."""
    runtime = build(ServerSettings.model_validate({"database_url": database_url, "secret_key": KEY}))
    plugins = plugins_of(*CHANNELS, package="muster-rough")
    environment = {**child_environment(), "PYTHONPATH": str(ROOT)}
    sessions = IsolatedSessions(plugins, environment, 1024, ["127.0.0.0/8"])
    channels = InstalledChannels(plugins, runtime.services.keys, sessions)
    services = replace(runtime.services, channels=channels, sessions=sessions)
    runtime = replace(runtime, services=services, plugins=plugins)
    workers = runtime.consumers(threads=THREADS)
    await asyncio.to_thread(workers.start)
    try:
        yield runtime
    finally:
        await asyncio.to_thread(workers.stop, 0.1)
        await runtime.close()


async def launch_campaigns(database: Database, store_id: int, port: int, messages: int) -> dict[str, UUID]:
    """Launch a campaign through each channel, to half as many customers as there are messages."""
    numbers = range(1, messages // 2 + 1)
    launched: dict[str, UUID] = {}
    async with database.write() as tx:
        await tx.execute(insert(customers), [customer(store_id, number) for number in numbers])
        list_id = await add_list(tx, store_id, list(numbers))
        for channel in CHANNELS:
            settings = {"url": f"http://127.0.0.1:{port}/{channel.key}"}
            await tx.execute(
                insert(contacts), [consent(store_id, number) | {"channel": channel.key} for number in numbers]
            )
            sealed = seal(settings, SecretKey(KEY.encode()), store_id, channel.key)
            await stores.install(tx, store_id, channel.key, sealed, NOW)
            campaign = await add_campaign(tx, store_id, list_id, channel=channel.key, content={})
            await launch.start(tx, store_id, campaign.id)
            launched[channel.key] = campaign.id
    return launched


async def until_ended(database: Database, store_id: int, campaign_ids: list[UUID], seconds: float) -> list[str]:
    """Wait for the campaigns' end, and return the problems that they had on the way."""
    problems, deadline = set[str](), monotonic() + seconds
    while True:
        async with database.read() as tx:
            under_way = [
                campaign
                for campaign in await campaigns.by_ids(tx, store_id, campaign_ids)
                if campaign.status is not CampaignStatus.SENT
            ]
        if not under_way:
            return sorted(problems)
        problems |= {campaign.problem for campaign in under_way if campaign.problem}
        assert monotonic() < deadline, (under_way, await remaining(database))
        await asyncio.sleep(0.2)


async def remaining(database: Database) -> list[AnyRow]:
    columns = deliveries.c.status, deliveries.c.attempts, deliveries.c.error
    async with database.read() as tx:
        return list((await tx.execute(select(*columns, func.count()).group_by(*columns))).all())


async def rows_of(database: Database, store_id: int, campaign_id: UUID) -> dict[str, AnyRow]:
    """Return the deliveries by the keys that the provider knows them by."""
    of_campaign = deliveries.c.store_id == store_id, deliveries.c.campaign_id == campaign_id
    async with database.read() as tx:
        rows = (await tx.execute(select(deliveries).where(*of_campaign))).all()
    return {ids.delivery_key(store_id, campaign_id, row.customer_id).hex: row for row in rows}


def number_of_messages(database: Database) -> int:
    if MESSAGES is not None:
        return int(MESSAGES)
    return 20_000 if os.environ.get("CI") and database.dialect == "sqlite" else 5_000


async def test_nothing_is_lost_or_sent_twice_and_every_state_is_true(
    database: Database, store_id: int, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "POLL", 0.2)
    monkeypatch.setattr(consumers, "_JITTER", 0)
    # What has failed is tried again as soon as the test has time for.
    monkeypatch.setattr(retry, "FIRST_DELAY", timedelta(seconds=2))
    messages = number_of_messages(database)
    with rough_provider(messages // 2) as provider:
        launched = await launch_campaigns(database, store_id, provider.port, messages)
        async with working(database_url):
            problems = await until_ended(database, store_id, list(launched.values()), 90 + messages / 50)
    assert "429 Too many requests" in problems
    for channel in CHANNELS:
        rows = await rows_of(database, store_id, launched[channel.key])
        assert len(rows) == messages // 2
        check_states(provider.accounts[channel.key], rows, channel)
    check_pace(provider)


def check_states(account: AccountLog, rows: dict[str, AnyRow], channel: RoughChannel) -> None:
    accepted = account.accepted
    assert set(accepted) <= set(rows)
    assert [key for key, times in accepted.items() if times > 1] == [], "sent twice"
    wrong = {
        key: f"{row.status} {row.error}, accepted {accepted[key]} times"
        for key, row in rows.items()
        if row.status not in {"SENT", "FAILED", "UNKNOWN"}
        or (row.status == "SENT" and (accepted[key] != 1 or row.provider_message_id != message_id(key)))
        or (row.status == "FAILED" and accepted[key])
    }
    assert wrong == {}
    assert {key for key, row in rows.items() if row.status == "FAILED"} <= account.rejected
    unknown = {key for key, row in rows.items() if row.status == "UNKNOWN"}
    if channel.capabilities.idempotent:
        # Of an earlier attempt by the same key nobody knows whether it was rejected too.
        assert unknown <= account.rejected
        return
    in_doubt = sum(account.faults[fault] for fault in ("reset before it is accepted", "reset behind it", "late"))
    # When it went down, as many were under way as there are connections.
    assert len(unknown) <= in_doubt + THREADS * CONNECTIONS


def check_pace(provider: RoughProvider) -> None:
    """Every fault has happened; a refused account sent what was under way, and one message of whoever tried it."""
    faults = sum((account.faults for account in provider.accounts.values()), Counter[str]())
    assert set(FAULTS) <= set(faults)
    for account in provider.accounts.values():
        assert 2 <= len(account.refusals) <= 2 * (THREADS * CONNECTIONS + 2)
    # The burst is what a second has.
    assert provider.accounts["plain"].most_in(1) <= 2 * RATE
