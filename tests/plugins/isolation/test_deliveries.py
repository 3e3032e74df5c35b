"""A campaign through a bad channel harms no other campaign, and says what is wrong."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from api.doctor import run_checks
from api.settings import Settings as ServerSettings
from api.settings import child_environment
from api.wiring import Runtime, build
from api.workers import consumers, runner
from api.workers.handlers import JOB_KINDS
from api.workers.scheduler import sweep
from domain.campaigns import launch
from domain.campaigns import queries as campaigns
from domain.campaigns.model import Campaign, CampaignStatus
from domain.campaigns.preview import PreviewRequest, preview_each
from domain.campaigns.problems import problems_of_each
from domain.customers.tables import contacts
from domain.deliveries.tables import deliveries
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database
from domain.kit.errors import DomainError
from domain.kit.secret_keys import SecretKey
from domain.stores import queries as stores
from plugins.isolation import process as channel_process
from plugins.isolation.process import ChannelProcess
from plugins.isolation.sessions import IsolatedSessions
from plugins.sealing import seal
from plugins.store_channels import InstalledChannels
from tests.domain.campaigns.stage import add_campaign, add_customer, add_list
from tests.factories import NOW
from tests.fakes import plugins_of
from tests.plugins.isolation.zoo import Zoo

ROOT = Path(__file__).parents[3]
RECIPIENTS = 12
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


def zoo_runtime(database_url: str) -> Runtime:
    """A process with the zoo as its one channel."""
    runtime = build(ServerSettings.model_validate({"database_url": database_url, "secret_key": "k" * 16}))
    plugins = plugins_of(Zoo(), package="muster-zoo")
    sessions = IsolatedSessions(plugins, {**child_environment(), "PYTHONPATH": str(ROOT)}, 512)
    channels = InstalledChannels(plugins, runtime.services.keys, sessions)
    services = replace(runtime.services, channels=channels, sessions=sessions)
    return replace(runtime, services=services, plugins=plugins)


@asynccontextmanager
async def working(database_url: str) -> AsyncGenerator[Runtime]:
    """A process that works, on two batches at a time."""
    runtime = zoo_runtime(database_url)
    workers = runtime.consumers(threads=2)
    await asyncio.to_thread(workers.start)
    try:
        yield runtime
    finally:
        await asyncio.to_thread(workers.stop, 0.1)
        await runtime.close()


async def send(database: Database, store_id: int, tmp_path: Path, *contents: Mapping[str, object]) -> list[Campaign]:
    """Launch a campaign of each content to the same customers."""
    settings = seal({"log": str(tmp_path / "sent.log")}, SecretKey(b"k" * 16), store_id, "zoo")
    async with database.write() as tx:
        members = [await add_customer(tx, store_id, number) for number in range(1, RECIPIENTS + 1)]
        rows = [
            {"store_id": store_id, "customer_id": member, "channel": "zoo", "consent": "SUBSCRIBED", "invalid": False}
            for member in members
        ]
        await tx.execute(insert(contacts), rows)
        await stores.install(tx, store_id, "zoo", settings, NOW)
        list_id = await add_list(tx, store_id, members)
        made = [await add_campaign(tx, store_id, list_id, channel="zoo", content=content) for content in contents]
        for campaign in made:
            await launch.start(tx, store_id, campaign.id)
    return made


async def reload(database: Database, campaign: Campaign) -> Campaign:
    async with database.read() as tx:
        reloaded = await campaigns.by_id(tx, campaign.store_id, campaign.id)
    assert reloaded is not None
    return reloaded


async def statuses(database: Database, campaign_id: UUID) -> list[str]:
    async with database.read() as tx:
        return list(
            (await tx.execute(select(deliveries.c.status).where(deliveries.c.campaign_id == campaign_id))).scalars()
        )


@pytest.mark.parametrize("how", ["block", "leave", "quit_politely", "eat", "hang"])
async def test_other_campaigns_go_on_at_once(
    database: Database, store_id: int, database_url: str, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_process, "BLOCKED_SECONDS", 20.0)
    bad, good = await send(database, store_id, tmp_path, {"where": "begun", "how": how}, {})

    async with working(database_url):
        for _ in range(600):
            if (await reload(database, good)).status is not CampaignStatus.SENDING:
                break
            await asyncio.sleep(0.1)
    assert await statuses(database, good.id) == ["SENT"] * RECIPIENTS
    assert "UNKNOWN" in await statuses(database, bad.id) or how in {"block", "hang"}


async def test_a_channel_that_ends_its_process_is_named_and_its_batch_is_given_up(
    database: Database, store_id: int, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RETRY_AFTER", 2.0)
    monkeypatch.setattr(consumers, "POLL", 0.1)
    monkeypatch.setattr(consumers, "_JITTER", 0)
    (bad,) = await send(database, store_id, tmp_path, {"where": "compose", "how": "leave"})
    said = "The channel zoo (muster-zoo 1.0) ended its process: status 3"
    async with working(database_url) as runtime:
        for _ in range(600):
            if (await reload(database, bad)).problem:
                break
            await asyncio.sleep(0.1)
        assert (await reload(database, bad)).problem == said
        (channels,) = [check for check in await run_checks(runtime) if check.name == "channels"]
        assert not channels.passed
        assert said in channels.message
        while (await reload(database, bad)).status is CampaignStatus.SENDING:
            await sweep(runtime.services, JOB_KINDS)
            await asyncio.sleep(0.1)
    assert await statuses(database, bad.id) == ["FAILED"] * RECIPIENTS, "nothing had begun"
    assert (
        await reload(database, bad)
    ).problem == f"Of {RECIPIENTS} messages, {RECIPIENTS} failed: its deliveries say why. {said}"
    async with database.read() as tx:
        assert await tx.scalar(select(job_rows.c.error)) == said


async def test_a_broken_channel_is_asked_once_for_a_page_of_campaigns(
    database: Database, store_id: int, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents: list[Mapping[str, object]] = [{}, {"where": "prepare", "how": "leave"}, {}, {}]
    made = await send(database, store_id, tmp_path, *contents)
    started: list[ChannelProcess] = []
    start = ChannelProcess.start

    async def count(process: ChannelProcess) -> None:
        started.append(process)
        await start(process)

    monkeypatch.setattr(ChannelProcess, "start", count)
    runtime = zoo_runtime(database_url)
    async with database.read() as tx:
        told = await problems_of_each(tx, runtime.services, store_id, made)
        previews = await preview_each(tx, runtime.services, store_id, [PreviewRequest(one, None) for one in made])
    await runtime.close()
    assert [said is None or "ended its process: status 3" in said for said in told] == [True] * 4
    assert [said is None for said in told] == [True, False, False, False]
    assert [isinstance(one, DomainError) for one in previews] == [False, True, True, True]
    assert len(started) == 2, "one for the problems, one for the previews"
