"""Workers die in the middle of a campaign: nothing is lost, nothing goes out twice, and what is not known is said."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic, sleep
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from channels.email.plugin import EmailChannel
from domain.campaigns import launch
from domain.campaigns import queries as campaigns
from domain.campaigns.model import CampaignStatus
from domain.customers.tables import contacts, customers
from domain.deliveries.tables import deliveries
from domain.kit.db import Database
from domain.stores import queries as stores
from plugins.sealing import seal
from tests.domain.campaigns.stage import add_campaign, add_list
from tests.factories import NOW, add_store
from tests.journeys.processes import consent, customer, mail_server, worker

pytestmark = [pytest.mark.journey]
KEY = "a key for the journeys of tests"
RECIPIENTS = 2_000
KILLS = 3
SECONDS = 150


@pytest.mark.parametrize(
    ("database_url", "broker"),
    [("sqlite", "memory"), ("postgresql", "redis"), ("postgresql", "rabbitmq")],
    indirect=["database_url"],
)
async def test_nothing_is_lost_and_nothing_goes_out_twice(
    database: Database, database_url: str, broker: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = {"MUSTER_DATABASE_URL": database_url, "MUSTER_SECRET_KEY": KEY}
    if broker != "memory":
        settings["MUSTER_BROKER_URL"] = request.getfixturevalue(f"{broker}_url")
    log = tmp_path / "received.log"
    with mail_server(log) as (port, received):
        store_id, campaign_id = await stage(database, port)
        kills = await asyncio.to_thread(work_and_kill, database_url, settings, tmp_path, campaign_id, received)
    assert kills == KILLS, "the campaign was over before the workers were killed"
    arrived = Counter(line.split()[0] for line in log.read_text().splitlines())
    states = await by_address(database, store_id)
    assert len(states) == RECIPIENTS
    assert [address for address, times in arrived.items() if times > 1] == [], "sent twice"
    assert set(states.values()) <= {"SENT", "UNKNOWN"}
    sent = {address for address, status in states.items() if status == "SENT"}
    assert sent <= set(arrived), "on record as sent, and never received"
    assert set(arrived) - sent <= {address for address, status in states.items() if status == "UNKNOWN"}
    async with database.read() as tx:
        campaign = await campaigns.by_id(tx, store_id, campaign_id)
    assert campaign is not None
    assert campaign.status is CampaignStatus.SENT


async def stage(database: Database, port: int) -> tuple[int, UUID]:
    """A campaign on its way to customers who all accept e-mail."""
    settings = EmailChannel().settings.model_validate(
        {"host": "127.0.0.1", "port": port, "security": "none", "fromAddress": "shop@example.com"}
    )
    async with database.write() as tx:
        store_id = await add_store(tx)
        await tx.execute(insert(customers), [customer(store_id, n) for n in range(1, RECIPIENTS + 1)])
        await tx.execute(insert(contacts), [consent(store_id, n) for n in range(1, RECIPIENTS + 1)])
        await stores.install(tx, store_id, "email", seal(settings, KEY.encode(), store_id, "email"), NOW)
        list_id = await add_list(tx, store_id, list(range(1, RECIPIENTS + 1)))
        content = {"subject": "Hi {{ customer.name }}", "text": "Hello"}
        campaign = await add_campaign(tx, store_id, list_id, channel="email", content=content)
        await launch.start(tx, store_id, campaign.id)
    return store_id, campaign.id


async def by_address(database: Database, store_id: int) -> Mapping[str, str]:
    async with database.read() as tx:
        rows = await tx.execute(
            select(deliveries.c.address, deliveries.c.status).where(deliveries.c.store_id == store_id)
        )
        return dict(rows.all())


def work_and_kill(
    url: str, settings: Mapping[str, str], folder: Path, campaign_id: UUID, received: Callable[[], int]
) -> int:
    """Run workers until the campaign is over, and kill them all again and again on the way; how often."""
    kills = 0
    deadline = monotonic() + SECONDS
    while monotonic() < deadline:
        before = received()
        with worker(settings, folder) as process:
            goal = RECIPIENTS * (kills + 1) // (KILLS + 1) if kills < KILLS else RECIPIENTS + 1
            while monotonic() < deadline and received() < max(goal, before + 1):
                if asyncio.run(over(url, campaign_id)):
                    return kills
                sleep(0.02)
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
    return kills


async def over(url: str, campaign_id: UUID) -> bool:
    database = Database(url)
    try:
        async with database.read() as tx:
            from domain.campaigns.tables import campaigns as rows

            status: str | None = await tx.scalar(select(rows.c.status).where(rows.c.id == campaign_id))
            return status != CampaignStatus.SENDING.value
    finally:
        await database.close()
