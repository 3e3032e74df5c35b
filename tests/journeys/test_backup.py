"""A backup is made while a campaign goes out, and restored later: as the page says, by its very commands (P31)."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url, select

from domain.campaigns.model import CampaignStatus
from domain.campaigns.tables import campaigns
from domain.kit.db import Database
from domain.migrations import migrate
from tests.cluster import programs
from tests.cluster.campaign import KEY, Mailing
from tests.journeys.mailing import launch_mailing
from tests.journeys.processes import ROOT, mail_server, wait_for
from tests.services import POSTGRES
from tests.storm.trees import Tree

pytestmark = [pytest.mark.journey]
PAGE = (ROOT / "docs/howto/back-up-and-restore.md").read_text()
RECIPIENTS = 1_000
# Seconds that the mail server takes for each message: the campaign lasts long enough to be copied.
SLOWNESS = 0.2


def blocks(section: str) -> list[list[str]]:
    """Return the commands of a section of the page, each block by itself."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return [block.splitlines() for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]


@dataclass
class Shell:
    """Runs commands of the page, where an operator would."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def run(self, command: str) -> tuple[int, str]:
        """Return the command's status and all that it said; what it exports, the next ones have."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
        done = subprocess.run(
            ["bash", "-c", f"{command} && env -0 > .env"],
            cwd=self.folder,
            env=inherited | {"PATH": path, "COLUMNS": "10000"} | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            exported = (self.folder / ".env").read_text().split("\0")
            variables = dict(line.split("=", 1) for line in exported if "=" in line)
            self.environment |= {name: variables[name] for name in self.environment if name in variables}
        return done.returncode, done.stdout + done.stderr

    def run_all(self, commands: list[str]) -> None:
        for command in commands:
            status, output = self.run(command)
            assert status == 0, f"{command}: {output}"


@contextmanager
def shell(kind: str, folder: Path) -> Generator[Shell]:
    """A shell whose environment names a database of its own, migrated."""
    if kind == "sqlite":
        (folder / "muster.key").write_text(f"{KEY}\n")
        url = f"sqlite+aiosqlite:///{folder / 'muster.db'}"
        asyncio.run(_migrate(url))
        yield Shell(folder, {"MUSTER_DATABASE_URL": "sqlite:///muster.db"})
        return
    POSTGRES.require()
    programs.require("pg_dump", "pg_restore", "createdb", "psql")
    admin = make_url(POSTGRES.url).set(drivername="postgresql")
    names = [f"muster_{part}_{uuid4().hex[:8]}" for part in ("backed_up", "restored")]
    address, restored = (admin.set(database=name).render_as_string(hide_password=False) for name in names)
    environment = {
        "MUSTER_DATABASE_URL": address,
        "MUSTER_SECRET_KEY": KEY,
        "ADMIN_URL": admin.render_as_string(hide_password=False),
        "RESTORED": names[1],
        "RESTORED_URL": restored,
    }
    prepared = Shell(folder, environment)
    prepared.run_all([f'createdb --maintenance-db="$ADMIN_URL" {names[0]}'])
    try:
        asyncio.run(_migrate(address.replace("postgresql:", "postgresql+asyncpg:")))
        yield prepared
    finally:
        for name in names:
            prepared.run(f'psql "$ADMIN_URL" --command="DROP DATABASE IF EXISTS {name} WITH (FORCE)"')


async def _migrate(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()


def url_of(environment: Mapping[str, str], folder: Path) -> str:
    """Return where the database is now, as our own engine takes it."""
    url = make_url(environment["MUSTER_DATABASE_URL"])
    if url.get_backend_name() == "sqlite":
        return f"sqlite+aiosqlite:///{folder / str(url.database)}"
    return url.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def muster_log(folder: Path, before: str) -> str:
    """Return what was logged since."""
    return (folder / "muster.log").read_text().removeprefix(before)


async def problem_of(url: str, mailing: Mailing) -> tuple[CampaignStatus, str]:
    database = Database(url)
    columns = campaigns.c.status, campaigns.c.problem
    async with database.read() as tx:
        row = (await tx.execute(select(*columns).where(campaigns.c.id == mailing.campaign_id))).one()
    await database.close()
    return CampaignStatus(row.status), row.problem or ""


@pytest.mark.parametrize(("kind", "section"), [("sqlite", "SQLite"), ("postgresql", "PostgreSQL")])
def test_a_dump_that_is_restored_sends_nothing_twice(tmp_path: Path, kind: str, section: str) -> None:
    log = tmp_path / "received.log"
    (back_up, restore), (look, resume) = blocks(section), blocks("Go on after a restore")
    with mail_server(log, SLOWNESS) as (port, received), shell(kind, tmp_path) as operator:
        directories = {
            "MUSTER_FILES_DIR": str(tmp_path / "files"),
            "MUSTER_JOURNALS_DIR": str(tmp_path / "journals"),
        }
        operator.environment |= directories
        url = url_of(operator.environment, tmp_path)
        store_id, campaign_id = asyncio.run(launch_mailing(url, port, RECIPIENTS, KEY))
        mailing = Mailing(url, store_id, campaign_id, RECIPIENTS, log, received)
        server = Tree(operator.environment, tmp_path)
        server.start()
        try:
            mailing.wait_for_messages(0.1)
            operator.run_all(back_up)
            at_backup = received()
            wait_for(lambda: received() >= at_backup + RECIPIENTS // 10, "the campaign does not go on", 60)
        finally:
            server.kill()
        operator.run_all(restore)
        sent_before = received()

        mailing.url = url = url_of(operator.environment, tmp_path)
        operator.run_all(look[:-1])
        status, words = operator.run(look[-1])
        assert status == 1
        assert "muster resume --from-backup" in words
        assert str(campaign_id) in words
        restored = Tree(operator.environment, tmp_path)
        restored.start()
        try:
            held = "The database was restored from a backup"
            wait_for(lambda: held in asyncio.run(problem_of(url, mailing))[1], "nobody says that it was restored", 60)
            # A round of the consumers later, too.
            assert asyncio.run(problem_of(url, mailing))[0] is CampaignStatus.PAUSED
            assert received() == sent_before, "sent without the operator's word"
            operator.run_all(resume)
            ended = asyncio.run(mailing.end())
        finally:
            restored.kill()
        assert ended is CampaignStatus.SENT
        assert received() == sent_before
        asyncio.run(mailing.check())
        statuses = asyncio.run(mailing.statuses())
    assert statuses.keys() == {"SENT", "UNKNOWN"}
    assert statuses["SENT"] > at_backup, "journals know what was sent since"


def test_a_planned_move_takes_one_command(tmp_path: Path) -> None:
    (back_up, restore), ((move,),) = blocks("SQLite"), blocks("Move to another machine")
    log = tmp_path / "received.log"
    with mail_server(log, SLOWNESS) as (port, received), shell("sqlite", tmp_path) as operator:
        operator.environment |= {"MUSTER_FILES_DIR": str(tmp_path / "files")}
        url = url_of(operator.environment, tmp_path)
        store_id, campaign_id = asyncio.run(launch_mailing(url, port, RECIPIENTS, KEY))
        mailing = Mailing(url, store_id, campaign_id, RECIPIENTS, log, received)
        server = Tree(operator.environment, tmp_path)
        server.start()
        try:
            mailing.wait_for_messages(0.1)
            server.end()
        finally:
            server.kill()
        operator.run_all([*back_up, *restore])
        operator.environment |= {"MUSTER_FILES_DIR": str(tmp_path / "new files")}
        sent_before, log_before = received(), (tmp_path / "muster.log").read_text()
        stranger = Tree(operator.environment, tmp_path)
        stranger.start()
        try:
            wait_for(lambda: "sending_held" in muster_log(tmp_path, log_before), "nobody says that sending waits", 60)
        finally:
            stranger.kill()
        assert received() == sent_before
        operator.run_all([move])
        moved = Tree(operator.environment, tmp_path)
        moved.start()
        try:
            assert asyncio.run(mailing.end()) is CampaignStatus.SENT
        finally:
            moved.kill()
        asyncio.run(mailing.check())
        assert asyncio.run(mailing.statuses())["SENT"] == RECIPIENTS
