"""The secret key is rotated while a server runs and sends; what was promised before stays so (S10, S12)."""

import asyncio
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from api import doctor
from api.app import create_app, working
from api.settings import Settings
from api.wiring import Runtime, build
from domain.campaigns import launch
from domain.consents.links import UnsubscribeToken
from domain.customers.model import Consent
from domain.customers.tables import contacts
from domain.deliveries.local_session import LocalSessions
from domain.deliveries.tables import deliveries
from domain.kit.db import Database
from plugins.store_channels import InstalledChannels
from tests.api.commands import muster
from tests.domain.campaigns.stage import add_campaign, add_customer, add_list
from tests.factories import NOW
from tests.fakes import RecordingChannel, plugins_of

OLD, NEW = "the key of yesterday", "the key of today"


def with_recording(runtime: Runtime, channel: RecordingChannel) -> Runtime:
    plugins = plugins_of(channel)
    sessions = LocalSessions(runtime.services.templates, channels=[channel])
    channels = InstalledChannels(plugins, runtime.services.keys, sessions)
    return replace(runtime, services=replace(runtime.services, channels=channels, sessions=sessions), plugins=plugins)


@pytest.fixture
def channel() -> RecordingChannel:
    return RecordingChannel()


@pytest.fixture
async def running(
    channel: RecordingChannel, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Runtime]:
    """A server that has found its key in the working directory."""
    monkeypatch.chdir(tmp_path)
    runtime = with_recording(build(Settings(database_url=database_url)), channel)
    yield runtime
    await runtime.close()


async def send(runtime: Runtime, store_id: int, customers: list[int]) -> UUID:
    async with runtime.database.write() as tx:
        list_id = await add_list(tx, store_id, customers)
        campaign = await add_campaign(tx, store_id, list_id)
        await launch.start(tx, store_id, campaign.id)
    return campaign.id


async def statuses(database: Database, campaign_id: UUID) -> set[str]:
    async with database.read() as tx:
        return set(
            (await tx.execute(select(deliveries.c.status).where(deliveries.c.campaign_id == campaign_id))).scalars()
        )


async def until_sent(database: Database, campaign_id: UUID) -> None:
    async with asyncio.timeout(40):
        while await statuses(database, campaign_id) != {"SENT"}:  # noqa: ASYNC110 - workers tell nobody
            await asyncio.sleep(0.05)


async def key_check(runtime: Runtime) -> tuple[bool, bool, str]:
    (check,) = [check for check in await doctor.run_checks(runtime) if check.name == "keys"]
    return check.passed, check.warning, check.message


@pytest.mark.slow
async def test_a_rotation_while_the_server_runs_and_sends(
    running: Runtime, channel: RecordingChannel, database_url: str, database: Database, store_id: int, tmp_path: Path
) -> None:
    async with database.write() as tx:
        customers = [await add_customer(tx, store_id, number) for number in range(1, 5)]
        await running.services.channels.configure(tx, store_id, "recording", {"account": "shop"}, NOW)
    subject = UnsubscribeToken(store_id, customers[0], UUID(int=1), "recording")
    link = (await running.services.links()).url(subject)
    commands = iter(["rotate", "rotate"])

    def rotate(_: object) -> None:
        """Rotate the key between a message's intent and its outcome."""
        command = next(commands, None)
        if command is not None:
            done = muster("key", command, cwd=tmp_path, MUSTER_DATABASE_URL=database_url)
            assert (done.returncode, done.stderr) == (0, "")

    channel.before = rotate
    async with working(running):
        for _ in range(3):
            await until_sent(database, await send(running, store_id, customers))
        # The process seals with the newest key, too.
        async with database.write() as tx:
            await running.services.channels.configure(tx, store_id, "recording", {"account": "other"}, NOW)
    assert channel.addresses == [f"c{customer}@shop.example" for customer in customers] * 3
    passed, warning, message = await key_check(running)
    assert (passed, warning) == (True, True)
    assert "delete muster.key.previous" in message
    (tmp_path / "muster.key.previous").unlink()
    later = with_recording(build(Settings(database_url=database_url)), RecordingChannel())
    assert await key_check(later) == (True, False, "the secret key is that of the database")
    async with later.database.read() as tx:
        assert await later.services.channels.problems(tx, store_id) == []
    # It is older than two rotations.
    transport = httpx.ASGITransport(create_app(later))
    async with httpx.AsyncClient(transport=transport, base_url="http://muster") as client:
        answer = await client.post(link.removeprefix(later.services.public_url))
    assert answer.status_code == 200
    async with database.read() as tx:
        rows = await tx.execute(select(contacts.c.customer_id).where(contacts.c.consent == Consent.UNSUBSCRIBED.value))
        assert list(rows.scalars()) == customers[:1]
    await later.close()


@pytest.mark.slow
async def test_processes_with_and_without_the_new_key_work_side_by_side(
    database_url: str, database: Database, store_id: int
) -> None:
    old = build(Settings(database_url=database_url, secret_key=SecretStr(OLD)))
    new = build(Settings(database_url=database_url, secret_key=SecretStr(NEW), previous_secret_key=SecretStr(OLD)))
    old, new = with_recording(old, RecordingChannel()), with_recording(new, RecordingChannel())
    subject = UnsubscribeToken(store_id, 7, UUID(int=1), "recording")
    async with database.write() as tx:
        await old.services.channels.configure(tx, store_id, "recording", {"account": "shop"}, NOW)
    async with database.write() as tx:
        await new.services.channels.configure(tx, store_id, "recording", {"account": "other"}, NOW)
    for runtime in (old, new):
        async with database.read() as tx:
            assert await runtime.services.channels.problems(tx, store_id) == []
    assert (await old.services.links()).url(subject) == (await new.services.links()).url(subject)
    passed, warning, message = await key_check(new)
    assert (passed, warning) == (True, True)
    assert "muster key reseal" in message
    for runtime in (old, new):
        await runtime.close()


@pytest.mark.slow
def test_a_key_of_the_environment_is_resealed_in_two_steps(tmp_path: Path) -> None:
    assert muster("migrate", cwd=tmp_path).returncode == 0
    both = {"MUSTER_SECRET_KEY": NEW, "MUSTER_PREVIOUS_SECRET_KEY": OLD}
    refused = muster("key", "rotate", cwd=tmp_path, MUSTER_SECRET_KEY=OLD)
    assert (refused.returncode, "MUSTER_PREVIOUS_SECRET_KEY" in refused.stderr) == (2, True)
    assert muster("key", "reseal", cwd=tmp_path, MUSTER_SECRET_KEY=OLD).returncode == 0
    assert "muster key reseal" in "".join(muster("doctor", cwd=tmp_path, **both).stdout.split("\n")).replace("  ", "")
    assert muster("key", "reseal", cwd=tmp_path, **both).returncode == 0
    wrong = muster("key", "reseal", cwd=tmp_path, MUSTER_SECRET_KEY=OLD)
    assert (wrong.returncode, "MUSTER_SECRET_KEY is not the key" in wrong.stderr) == (1, True)
    assert muster("key", "reseal", cwd=tmp_path, MUSTER_SECRET_KEY=NEW).returncode == 0


def test_a_lost_key_is_replaced_when_somebody_says_that_it_is_lost(tmp_path: Path) -> None:
    assert muster("migrate", cwd=tmp_path).returncode == 0
    assert "nothing is lost" in muster("key", "replace-lost", "--yes", cwd=tmp_path, MUSTER_SECRET_KEY=OLD).stdout
    assert muster("key", "reseal", cwd=tmp_path, MUSTER_SECRET_KEY=NEW).returncode == 1
    assert muster("key", "replace-lost", "--yes", cwd=tmp_path, MUSTER_SECRET_KEY=NEW).returncode == 0
    assert muster("key", "reseal", cwd=tmp_path, MUSTER_SECRET_KEY=NEW).returncode == 0


def test_a_rotation_that_has_not_ended_is_not_followed_by_another(tmp_path: Path) -> None:
    assert muster("migrate", cwd=tmp_path).returncode == 0
    assert muster("key", "rotate", cwd=tmp_path).returncode == 0
    first = (tmp_path / "muster.key.previous").read_text()
    files = [tmp_path / "muster.key", tmp_path / "muster.key.previous"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    # As if it had been interrupted between the files and the database.
    (tmp_path / "muster.key.previous").write_text((tmp_path / "muster.key").read_text())
    (tmp_path / "muster.key").write_text("a newer key than that\n")
    refused = muster("key", "rotate", cwd=tmp_path)
    assert (refused.returncode, "muster key reseal" in refused.stderr) == (1, True)
    assert muster("key", "reseal", cwd=tmp_path).returncode == 0
    assert muster("key", "rotate", cwd=tmp_path).returncode == 0
    assert (tmp_path / "muster.key.previous").read_text() == "a newer key than that\n" != first
