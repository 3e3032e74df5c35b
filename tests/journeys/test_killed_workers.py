"""Workers die in the middle of a campaign: nothing is lost, nothing goes out twice, and what is not known is said."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from uuid import UUID

import pytest
from channels.email.plugin import EmailChannel
from plugins.settings import seal
from sqlalchemy import insert, select

from domain.campaigns import launching
from domain.campaigns import store as campaigns
from domain.campaigns.model import CampaignStatus
from domain.customers.tables import contacts, customers
from domain.db import Database
from domain.deliveries.tables import deliveries
from domain.stores import store as stores
from tests.domain.campaigns.stage import add_campaign, add_list
from tests.factories import NOW, add_store

pytestmark = [pytest.mark.journey]
ROOT = Path(__file__).parents[2]
KEY = "a key for the journeys of tests"
RECIPIENTS = 4_000
KILLS = 6
SECONDS = 150


@pytest.mark.parametrize("broker", ["memory", "redis", "rabbitmq"])
async def test_nothing_is_lost_and_nothing_goes_out_twice(
    database: Database, database_url: str, broker: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = {"MUSTER_DATABASE_URL": database_url, "MUSTER_SECRET_KEY": KEY}
    if broker != "memory":
        settings["MUSTER_BROKER_URL"] = request.getfixturevalue(f"{broker}_url")
    log = tmp_path / "received.log"
    with mail_server(log) as port:
        store_id, campaign_id = await stage(database, port)
        kills = await asyncio.to_thread(work_and_kill, database_url, settings, tmp_path, campaign_id, log)
    assert kills == KILLS, "the campaign was over before the workers were killed"
    received = Counter(line.split()[0] for line in log.read_text().splitlines())
    states = await by_address(database, store_id)
    assert len(states) == RECIPIENTS
    assert [address for address, times in received.items() if times > 1] == [], "sent twice"
    assert set(states.values()) <= {"SENT", "UNKNOWN"}
    sent = {address for address, status in states.items() if status == "SENT"}
    assert sent <= set(received), "on record as sent, and never received"
    assert set(received) - sent <= {address for address, status in states.items() if status == "UNKNOWN"}
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
        await launching.start(tx, store_id, campaign.id)
    return store_id, campaign.id


def customer(store_id: int, number: int) -> dict[str, object]:
    return {
        "store_id": store_id,
        "id": number,
        "name": f"Customer {number}",
        "email": f"c{number}@shop.example",
        "email_verified": False,
        "phone_verified": False,
        "member": False,
        "blacklisted": False,
        "created_at": NOW,
        "updated_at": NOW,
    }


def consent(store_id: int, number: int) -> dict[str, object]:
    return {
        "store_id": store_id,
        "customer_id": number,
        "channel": "email",
        "consent": "SUBSCRIBED",
        "invalid": False,
    }


async def by_address(database: Database, store_id: int) -> Mapping[str, str]:
    async with database.read() as tx:
        rows = await tx.execute(
            select(deliveries.c.address, deliveries.c.status).where(deliveries.c.store_id == store_id)
        )
        return dict(rows)


@contextmanager
def mail_server(log: Path) -> Iterator[int]:
    """A mail server in a process of its own, which outlives every worker and writes down what it took."""
    log.touch()
    port = free_port()
    command = [sys.executable, "-m", "channels.email.sink", "--port", str(port), "--log", str(log)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_for(lambda: answers(port), "the mail server does not answer")
        yield port
    finally:
        process.terminate()
        process.wait()


def work_and_kill(url: str, settings: Mapping[str, str], folder: Path, campaign_id: UUID, log: Path) -> int:
    """Run workers until the campaign is over, and kill them all again and again on the way; how often."""
    kills = 0
    deadline = monotonic() + SECONDS
    while monotonic() < deadline:
        before = received(log)
        with worker(settings, folder) as process:
            goal = RECIPIENTS * (kills + 1) // (KILLS + 1) if kills < KILLS else RECIPIENTS + 1
            while monotonic() < deadline and received(log) < max(goal, before + 1):
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

            status = await tx.scalar(select(rows.c.status).where(rows.c.id == campaign_id))
            return status != CampaignStatus.SENDING.value
    finally:
        await database.close()


@contextmanager
def worker(settings: Mapping[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server with its workers inside, or workers on a broker; the whole group dies with it."""
    embedded = "MUSTER_BROKER_URL" not in settings
    arguments = ["serve", "--port", str(free_port())] if embedded else ["work"]
    environment = {**os.environ, **settings, "PYTHONPATH": str(ROOT)}
    with (folder / "worker.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", *arguments],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def received(log: Path) -> int:
    return log.read_bytes().count(b"\n")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_for(condition: object, message: str, seconds: float = 20) -> None:
    deadline = monotonic() + seconds
    assert callable(condition)
    while not condition():
        assert monotonic() < deadline, message
        sleep(0.05)
