"""A running server with a zoo of bad channels: two campaigns by e-mail are sent, and each bad one is named."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select

from domain.campaigns import launch, queries
from domain.campaigns.model import Campaign, CampaignStatus
from domain.campaigns.tables import campaigns
from domain.customers.tables import contacts
from domain.deliveries.tables import deliveries
from domain.kit.db import Database
from domain.kit.secret_keys import SecretKey
from domain.stores import queries as stores
from plugins.sealing import seal
from tests.domain.campaigns.stage import add_campaign, add_customer, add_list
from tests.factories import NOW, add_store
from tests.journeys.mailing import launch_mailing
from tests.journeys.processes import ROOT, answers, free_port, mail_server, wait_for
from tests.plugins.isolation import bad_sender

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
KEY = "a key for a zoo of bad channels"
BAD = {
    "hang": "hangs: it reported nothing for 15 s",
    "block": "was blocked by its code for 10 seconds",
    "exit": "ended its process: status 3",
    "raise": "failed: RuntimeError",
    "flood": "failed: MemoryError",
    "lie": "reported outcomes that are none",
    "import": "is left out: OSError: no cage",
}
# As the server starts, but for its patience: a test has less.
START = """
import sys
from domain.deliveries import patience
from plugins.isolation import process
patience._SILENCE_SECONDS, patience._LOOK_SECONDS, process.BLOCKED_SECONDS = 15.0, 3.0, 10.0
from api.cli import main
sys.argv = ["muster", *sys.argv[1:]]
main()
"""
RECIPIENTS = 200


def install_zoo(folder: Path) -> None:
    """Install a distribution for each bad channel."""
    for how in BAD:
        name = f"zoo_{how}"
        code = "raise OSError('no cage')\n" if how == "import" else Path(bad_sender.__file__).read_text()
        (folder / f"{name}.py").write_text(code)
        described = folder / f"{name}-2.1.dist-info"
        described.mkdir()
        (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: zoo-{how}-package\nVersion: 2.1\n")
        (described / "entry_points.txt").write_text(f"[muster]\nzoo-{how} = {name}\n")


@contextmanager
def server(url: str, folder: Path, plugins: Path) -> Generator[None]:
    port = free_port()
    settings = {
        "MUSTER_DATABASE_URL": url,
        "MUSTER_SECRET_KEY": KEY,
        "MUSTER_PRIVATE_TARGETS": "127.0.0.0/8",
        "MUSTER_CHANNEL_MEMORY_MB": "512",
        "PYTHONPATH": f"{plugins}{os.pathsep}{ROOT}",
    }
    with (folder / "muster.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", START, "serve", "--port", str(port)],
            cwd=folder,
            env={**os.environ, **settings},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_for(lambda: answers(port), "muster serve does not answer", 60)
            yield
            assert process.poll() is None, "the server has ended"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def launch_bad_campaigns(database: Database) -> dict[str, UUID]:
    """Launch a campaign on each bad channel, of one store."""
    made: dict[str, UUID] = {}
    async with database.write() as tx:
        store_id = await add_store(tx)
        members = [await add_customer(tx, store_id, number) for number in range(1, 11)]
        list_id = await add_list(tx, store_id, members)
        for how in BAD:
            key = f"zoo-{how}"
            rows = [
                {"store_id": store_id, "customer_id": member, "channel": key, "consent": "SUBSCRIBED", "invalid": False}
                for member in members
            ]
            await tx.execute(insert(contacts), rows)
            sealed = seal({"account": "zoo"}, SecretKey(KEY.encode()), store_id, key)
            await stores.install(tx, store_id, key, sealed, NOW, f"{key}-package")
            campaign = await add_campaign(tx, store_id, list_id, channel=key, content={"text": "Hi"})
            await launch.start(tx, store_id, campaign.id)
            made[how] = campaign.id
    return made


async def problems_of(database: Database, made: dict[str, UUID]) -> dict[str, str]:
    async with database.read() as tx:
        by_id = {row.id: row.problem for row in await tx.execute(select(campaigns.c.id, campaigns.c.problem))}
    return {how: by_id[campaign_id] or "" for how, campaign_id in made.items()}


async def mailing_of(database: Database, store_id: int, campaign_id: UUID) -> Campaign:
    async with database.read() as tx:
        campaign = await queries.by_id(tx, store_id, campaign_id)
    assert campaign is not None
    return campaign


async def sent(database: Database, mailings: Sequence[UUID]) -> int:
    async with database.read() as tx:
        ours = deliveries.c.campaign_id.in_(mailings), deliveries.c.status == "SENT"
        return int(await tx.scalar(select(func.count()).where(*ours)) or 0)


async def test_bad_channels_harm_their_own_campaigns_alone(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    install_zoo(plugins)
    bad = await launch_bad_campaigns(database)
    with mail_server() as (port, received):
        good = [await launch_mailing(database_url, port, RECIPIENTS, KEY) for _ in range(2)]
        with server(database_url, tmp_path, plugins):
            seen: dict[str, set[str]] = {how: set() for how in BAD}
            deadline = monotonic() + 75
            while monotonic() < deadline:
                for how, problem in (await problems_of(database, bad)).items():
                    seen[how].add(problem)
                mailings = [await mailing_of(database, *ids) for ids in good]
                ended = all(mailing.status is CampaignStatus.SENT for mailing in mailings)
                if ended and all(_is_named(how, seen[how]) for how in BAD):
                    break
                await asyncio.sleep(0.2)
            taken = received()
            mailings = [await mailing_of(database, *ids) for ids in good]
    assert {how: problems for how, problems in seen.items() if not _is_named(how, problems)} == {}
    assert [(mailing.status, mailing.problem) for mailing in mailings] == [(CampaignStatus.SENT, None)] * 2
    assert taken == 2 * RECIPIENTS
    assert await sent(database, [mailing_id for _, mailing_id in good]) == 2 * RECIPIENTS
    log = (tmp_path / "muster.log").read_text()
    assert "plugin_skipped" in log
    assert "zoo-import-package" in log
    assert "the text of a customer" not in log


def _is_named(how: str, problems: set[str]) -> bool:
    """Return whether a problem has the package, its version and what it did."""
    return any(f"zoo-{how}-package 2.1" in problem and BAD[how] in problem for problem in problems)
