"""After a restored backup nothing that may have gone out goes out again, and what did not begin is not lost (P31)."""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from api.workers.handlers import JOB_KINDS
from api.workers.leases import LeaseKeeper
from api.workers.runner import work
from api.workers.scheduler import delete_closed_journals, look_at_database
from domain import jobs
from domain.campaigns import actions, launch, queries
from domain.campaigns.model import CampaignStatus, WrongState
from domain.campaigns.restoration import follow, keep_life, leave_unknown
from domain.installation.keys import InstallationKeys
from domain.installation.life import Standing
from domain.installation.marker import LifeMarker
from domain.installation.tables import installation
from domain.kit.db import Database
from domain.kit.db.portable import database_later
from domain.kit.secret_keys import KeyPair, SecretKey, SecretKeys
from domain.migrations.tables import metadata
from domain.services import Services
from domain.sessions.continuity import HELD, Continuity
from domain.sessions.journal import JournalDirectory
from tests.domain.campaigns.stage import (
    Killed,
    add_campaign,
    add_customer,
    add_list,
    fix_windows,
    make_campaign,
    make_due,
    outcomes,
    reload,
    stats_of,
)
from tests.factories import NOW
from tests.fakes import LocalChannel, RecordingChannel, RecordingSettings, make_services

Rows = Mapping[str, list[dict[str, Any]]]


async def dump(database: Database) -> Rows:
    async with database.read() as tx:
        return {
            table.name: [dict(row) for row in (await tx.execute(select(table))).mappings()]
            for table in metadata.sorted_tables
        }


async def restore(database: Database, rows: Rows) -> None:
    async with database.write() as tx:
        for table in reversed(metadata.sorted_tables):
            await tx.execute(delete(table))
        for table in metadata.sorted_tables:
            if rows[table.name]:
                await tx.execute(insert(table), rows[table.name])


class Machine:
    """A machine with its journals, and the directory that it shares with others."""

    def __init__(self, database: Database, folder: Path, channel: RecordingChannel, files: str = "files") -> None:
        self.database, self.channel = database, channel
        settings = LocalChannel(channel, RecordingSettings())
        keys = InstallationKeys(SecretKeys(KeyPair(SecretKey(b"k" * 32))))
        self.journals = JournalDirectory(folder / "journals")
        services = make_services(database, settings, journals=self.journals, keys=keys)
        self.services: Services = replace(
            services, continuity=Continuity(folder / "journals", LifeMarker(folder / files))
        )

    async def start(self) -> None:
        await look_at_database(self.services)

    async def beat(self) -> str | None:
        """Let some seconds pass, and the process live on."""
        async with self.database.write() as tx:
            await tx.execute(update(installation).values(beat_at=database_later(-31, tx.dialect)))
        return await keep_life(self.services)

    async def work(self, rounds: int = 4) -> None:
        """Do what is due, as consumers do it."""
        for _ in range(rounds):
            await launch.start_due(self.services)
            async with self.database.read() as tx:
                due = await jobs.due(tx, 100)
            for notice in due:
                await work(self.services, JOB_KINDS, "worker", LeaseKeeper(), notice.store_id, notice.job_id)


@pytest.fixture
async def machine(database: Database, tmp_path: Path) -> Machine:
    machine = Machine(database, tmp_path, RecordingChannel())
    await machine.start()
    return machine


async def start(machine: Machine, store_id: int, recipients: int) -> Any:
    campaign = await make_campaign(machine.database, store_id, recipients)
    async with machine.database.write() as tx:
        await launch.start(tx, store_id, campaign.id)
    return campaign


async def die_after(machine: Machine, messages: int) -> None:
    """Send so many messages, and be killed while the next ones are handed over."""

    def kill(_: object) -> None:
        if len(machine.channel.sent) >= messages:
            raise Killed

    machine.channel.before = kill
    with suppress(Killed):
        await machine.work()
    machine.channel.before = lambda _: None
    await make_due(machine.database)


async def restarted(machine: Machine, folder: Path, files: str = "files") -> Machine:
    again = Machine(machine.database, folder, machine.channel, files)
    await again.start()
    return again


async def test_a_restored_backup_sends_nothing_without_the_operators_word(
    machine: Machine, database: Database, store_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_windows(monkeypatch, 2)
    campaign = await start(machine, store_id, 8)
    await die_after(machine, 2)
    await machine.beat()
    backup = await dump(database)
    await machine.beat()
    await machine.work()
    await machine.beat()
    assert len(set(machine.channel.addresses)) == len(machine.channel.addresses) == 6, "two are in doubt"

    await restore(database, backup)
    again = await restarted(machine, tmp_path)
    assert await keep_life(again.services) == HELD[Standing.WENT_BACK]
    await again.work()
    assert len(again.channel.sent) == 6
    fences = {row["id"]: row["fence"] for row in backup["jobs"]}
    assert {row["id"]: row["fence"] for row in (await dump(database))["jobs"]} == fences, "no batch was claimed"
    paused = await reload(database, campaign)
    assert (paused.status, paused.problem) == (CampaignStatus.PAUSED, HELD[Standing.WENT_BACK])

    marked = await leave_unknown(again.services)
    assert (marked.campaigns, marked.launches) == (1, 0)
    await follow(again.services)
    await make_due(database)
    await again.work()
    assert len(again.channel.sent) == 6
    assert {status for status, _ in (await outcomes(database, store_id)).values()} <= {"SENT", "UNKNOWN"}
    assert (await reload(database, campaign)).status is CampaignStatus.SENT
    stats = await stats_of(database, campaign)
    assert (stats.recipients, stats.pending, stats.sent + stats.unknown) == (8, 0, 8)


@pytest.mark.parametrize(("journals", "status"), [("kept", "SENT"), ("lost", "UNKNOWN")])
async def test_what_journals_know_is_on_record_again_and_the_rest_is_unknown(
    machine: Machine, database: Database, store_id: int, tmp_path: Path, journals: str, status: str
) -> None:
    campaign = await start(machine, store_id, 4)
    async with database.read() as tx:
        (notice,) = await jobs.due(tx, 1)
    await work(machine.services, JOB_KINDS, "worker", LeaseKeeper(), notice.store_id, notice.job_id)
    backup = await dump(database)
    await machine.beat()
    await machine.work()
    await restore(database, backup)
    if journals == "lost":
        shutil.rmtree(tmp_path / "journals")
    again = await restarted(machine, tmp_path)
    marked = await leave_unknown(again.services)
    assert (marked.told, marked.unknown) == ((4, 0) if status == "SENT" else (0, 4))
    await follow(again.services)
    await again.work()
    assert len(again.channel.sent) == 4
    assert {status for status, _ in (await outcomes(database, store_id)).values()} == {status}
    assert (await reload(database, campaign)).status is CampaignStatus.SENT


async def test_campaigns_that_were_due_are_not_sent_and_others_are(
    machine: Machine, database: Database, store_id: int, tmp_path: Path
) -> None:
    async with database.write() as tx:
        members = [await add_customer(tx, store_id, number) for number in (1, 2, 3)]
        list_id = await add_list(tx, store_id, members)
        due, launching, later = [
            await add_campaign(tx, store_id, list_id, status=status, scheduled_at=at)
            for status, at in (
                (CampaignStatus.SCHEDULED, NOW),
                (CampaignStatus.SENDING, None),
                (CampaignStatus.SCHEDULED, NOW + timedelta(hours=1)),
            )
        ]
        await launch.start(tx, store_id, launching.id)
    backup = await dump(database)
    await machine.beat()
    await machine.work()
    assert len(machine.channel.sent) == 6
    await restore(database, backup)
    again = await restarted(machine, tmp_path)
    await again.work()
    assert len(again.channel.sent) == 6
    marked = await leave_unknown(again.services)
    assert marked.launches == 2
    await follow(again.services)
    await again.work()
    assert len(again.channel.sent) == 6
    for campaign in (due, launching):
        assert (await stats_of(database, campaign)).unknown == 3
        assert (await reload(database, campaign)).status is CampaignStatus.SENT
    again.services = replace(again.services, clock=lambda: NOW + timedelta(hours=2))
    await again.work()
    assert len(again.channel.sent) == 9
    assert (await stats_of(database, later)).sent == 3


async def test_a_database_that_moved_goes_on_with_what_is_left(
    machine: Machine, database: Database, store_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the files directory it is known at once; without, an operator says that nothing was sent since."""
    fix_windows(monkeypatch, 2)
    await start(machine, store_id, 8)
    await die_after(machine, 2)
    await machine.beat()
    await restore(database, await dump(database))
    elsewhere = await restarted(machine, tmp_path, "new files")
    assert await keep_life(elsewhere.services) == HELD[Standing.UNPROVEN]
    await elsewhere.work()
    assert len(elsewhere.channel.sent) == 2
    await follow(elsewhere.services)
    await make_due(database)
    await elsewhere.work()
    assert len(elsewhere.channel.sent) == 6
    # The old machine's directory knows the life that the new one follows.
    assert await keep_life((await restarted(machine, tmp_path)).services) is None


async def test_a_database_that_moved_with_the_files_directory_goes_on_by_itself(
    machine: Machine, database: Database, store_id: int, tmp_path: Path
) -> None:
    await machine.beat()
    await restore(database, await dump(database))
    await start(machine, store_id, 3)
    again = await restarted(machine, tmp_path)
    await again.work()
    assert len(again.channel.sent) == 3


async def test_a_running_process_notices_that_its_database_was_replaced(
    machine: Machine, database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the middle of a batch, before its next window."""
    fix_windows(monkeypatch, 2)
    campaign = await start(machine, store_id, 8)
    async with database.read() as tx:
        (notice,) = await jobs.due(tx, 1)
    await work(machine.services, JOB_KINDS, "worker", LeaseKeeper(), notice.store_id, notice.job_id)
    backup = await dump(database)
    beat = backup["installation"][0]["beat"]
    await machine.beat()
    went_back = False

    def answer(message: Any) -> Any:
        nonlocal went_back
        went_back = True
        return RecordingChannel().answer(message)

    held = Continuity.held

    async def held_after_the_first(self: Continuity, tx: Any) -> str | None:
        if went_back:
            await tx.execute(update(installation).values(beat=beat))
        return await held(self, tx)

    machine.channel.answer = answer
    monkeypatch.setattr(Continuity, "held", held_after_the_first)
    await machine.work(1)
    assert len(machine.channel.sent) == 2
    problem = (await reload(database, campaign)).problem
    assert problem == HELD[Standing.WENT_BACK]


async def test_while_sending_is_held_no_campaign_can_be_sent(
    machine: Machine, database: Database, store_id: int, tmp_path: Path
) -> None:
    await machine.beat()
    backup = await dump(database)
    await machine.beat()
    await restore(database, backup)
    again = await restarted(machine, tmp_path)
    async with database.write() as tx:
        list_id = await add_list(tx, store_id, [await add_customer(tx, store_id, 1)])
        campaign = await add_campaign(tx, store_id, list_id, status=CampaignStatus.DRAFT)
        for at in (None, NOW + timedelta(hours=1)):
            with pytest.raises(WrongState, match="muster resume --from-backup"):
                await actions.send(tx, again.services, store_id, campaign.id, at)


async def test_journals_are_kept_as_long_as_sending_is_held(
    machine: Machine, database: Database, tmp_path: Path
) -> None:
    await machine.beat()
    backup = await dump(database)
    await machine.beat()
    closed = tmp_path / "journals" / f"1.{'0' * 32}.0.1~a.closed"
    closed.parent.mkdir(exist_ok=True)
    closed.touch()

    os.utime(closed, (0, 0))
    await restore(database, backup)
    again = await restarted(machine, tmp_path)
    await delete_closed_journals(again.services)
    assert closed.exists()
    await follow(again.services)
    await delete_closed_journals(again.services)
    assert not closed.exists()


async def test_marking_that_is_interrupted_goes_on_when_it_is_called_again(
    machine: Machine, database: Database, store_id: int, tmp_path: Path
) -> None:
    campaign = await start(machine, store_id, 3)
    backup = await dump(database)
    await machine.beat()
    await machine.work()
    await restore(database, backup)
    again = await restarted(machine, tmp_path)
    await leave_unknown(again.services)
    # Nobody goes on in between, whatever they know.
    assert await keep_life(again.services) == HELD[Standing.WENT_BACK]
    assert await keep_life((await restarted(machine, tmp_path, "new files")).services) == HELD[Standing.UNPROVEN]
    await again.work()
    await leave_unknown(again.services)
    await follow(again.services)
    await again.work()
    assert len(again.channel.sent) == 3
    assert (await stats_of(database, campaign)).unknown == 3


async def test_the_pause_of_a_backup_ends_with_the_operators_word(
    machine: Machine, database: Database, store_id: int
) -> None:
    campaign = await start(machine, store_id, 3)
    async with database.write() as tx:
        await queries.pause_all(tx, HELD[Standing.WENT_BACK])
    assert await follow(machine.services) == 1
    resumed = await reload(database, campaign)
    assert (resumed.status, resumed.problem) == (CampaignStatus.SENDING, None)


async def test_what_was_sent_in_the_last_second_is_known_by_journals(
    machine: Machine, database: Database, store_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No beat has told since of what was sent."""
    fix_windows(monkeypatch, 2)
    await start(machine, store_id, 8)
    backup = await dump(database)
    await die_after(machine, 4)
    await restore(database, backup)
    again = await restarted(machine, tmp_path)
    assert await keep_life(again.services) == HELD[Standing.WENT_BACK]
    await again.work()
    assert len(again.channel.sent) == 4
    await leave_unknown(again.services)
    await follow(again.services)
    await make_due(database)
    await again.work()
    assert len(again.channel.sent) == 4


async def test_a_process_that_was_killed_is_no_restored_backup(
    machine: Machine, database: Database, store_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_windows(monkeypatch, 2)
    await start(machine, store_id, 8)
    for messages in (2, 4, 6):
        await die_after(machine, messages)
        again = await restarted(machine, tmp_path)
        assert await keep_life(again.services) is None
        machine = again
    await machine.work()
    assert len(set(machine.channel.addresses)) == len(machine.channel.addresses)


async def test_a_process_that_starts_sends_nothing_before_it_has_compared_its_journals(
    machine: Machine, database: Database, store_id: int, tmp_path: Path
) -> None:
    await start(machine, store_id, 3)
    starting = Machine(database, tmp_path, machine.channel)
    starting.services.continuity.compared = False
    await starting.work()
    assert starting.channel.sent == []
    await starting.start()
    await starting.work()
    assert len(starting.channel.sent) == 3
