"""Sending waits on a timeline that this machine has not compared with its journals, and a while longer."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import update

from domain import jobs
from domain.installation import queries
from domain.installation.keys import InstallationKeys
from domain.installation.life import Standing
from domain.installation.marker import LifeMarker
from domain.installation.tables import installation
from domain.kit import ids
from domain.kit.db import Database
from domain.kit.db.portable import database_later
from domain.kit.secret_keys import KeyPair, SecretKey, SecretKeys
from domain.sessions import continuity as module
from domain.sessions.continuity import HELD, SETTLING_SECONDS, Continuity, timeline_of
from tests.factories import NOW


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: time[0])
    return time


def test_the_first_timeline_is_taken_as_it_is(tmp_path: Path, now: list[float]) -> None:
    continuity = Continuity(tmp_path / "journals")
    assert continuity.is_compared("00000001")
    assert not continuity.suspends("00000001")
    continuity.remember("00000001")
    assert not continuity.suspends("00000001")


def test_another_one_suspends_until_all_machines_had_time_to_compare(tmp_path: Path, now: list[float]) -> None:
    Continuity(tmp_path).remember("00000001")
    continuity = Continuity(tmp_path)
    assert not continuity.is_compared("00000002")
    assert continuity.suspends("00000002")
    now[0] += 1000
    assert continuity.suspends("00000002"), "as long as it is not compared"
    continuity.remember("00000002")
    assert continuity.is_compared("00000002")
    now[0] += SETTLING_SECONDS - 1
    continuity.remember("00000002")
    assert continuity.suspends("00000002")
    now[0] += 2
    assert not continuity.suspends("00000002")
    now[0] = 5.0
    assert not continuity.suspends("00000002"), "the machine was started anew"


def test_without_a_directory_or_a_timeline_nothing_is_suspended() -> None:
    continuity = Continuity(None)
    continuity.remember("00000001")
    assert (continuity.is_compared("00000002"), continuity.suspends("00000002")) == (True, False)
    assert (continuity.is_compared(None), continuity.suspends(None)) == (True, False)


async def test_postgresql_has_a_timeline(database: Database) -> None:
    async with database.read() as tx:
        timeline = await timeline_of(tx)
    assert timeline is None if database.dialect == "sqlite" else len(timeline or "") == 8


async def test_a_database_lives_on_and_is_held_when_it_went_back(database: Database, tmp_path: Path) -> None:
    keys = InstallationKeys(SecretKeys(KeyPair(SecretKey(b"a secret key"))))
    continuity = Continuity(tmp_path / "journals", LifeMarker(tmp_path / "files"))
    # Without a row there is nothing to keep.
    assert await continuity.beat(database) is None
    await keys.load(database)
    assert await continuity.beat(database) is None
    async with database.write() as tx:
        backup = await queries.life(tx)
        assert await continuity.held(tx) is None
        await tx.execute(update(installation).values(beat_at=NOW))
    assert backup is not None
    assert backup.beat == 1
    assert await continuity.beat(database) is None
    async with database.read() as tx:
        life = await queries.life(tx)
    assert life is not None
    assert (life.beat, life.epoch) == (2, backup.epoch)
    async with database.write() as tx:
        await tx.execute(update(installation).values(beat=backup.beat))
    for looker in (continuity, Continuity(tmp_path / "journals", LifeMarker(tmp_path / "files"))):
        async with database.read() as tx:
            assert await looker.held(tx) == HELD[Standing.WENT_BACK]
        assert await looker.beat(database) == HELD[Standing.WENT_BACK]
    elsewhere = Continuity(tmp_path / "journals", LifeMarker(tmp_path / "others"))
    assert await elsewhere.beat(database) == HELD[Standing.UNPROVEN]
    async with database.read() as tx:
        life = await queries.life(tx)
    assert life is not None
    assert life.beat == 1, "nobody lives on with a database that went back"


async def test_while_messages_go_out_the_database_beats_every_second(database: Database, store_id: int) -> None:
    await InstallationKeys(SecretKeys(KeyPair(SecretKey(b"a secret key")))).load(database)
    epoch = await epoch_of(database)
    assert await beats(database, epoch, seconds_ago=0) is True, "the first one"
    assert await beats(database, epoch, seconds_ago=20) is False
    assert await beats(database, epoch, seconds_ago=31) is True
    async with database.write() as tx:
        job_id = await jobs.add(tx, store_id, "campaign.deliver", {}, queue=jobs.Queue.DELIVERIES)
        await jobs.claim(tx, store_id, job_id, "worker")
    assert await beats(database, epoch, seconds_ago=2) is True
    assert await beats(database, ids.new(), seconds_ago=31) is False, "another life"


async def epoch_of(database: Database) -> UUID:
    async with database.read() as tx:
        life = await queries.life(tx)
    assert life is not None
    return life.epoch


async def beats(database: Database, epoch: UUID, *, seconds_ago: float) -> bool:
    async with database.write() as tx:
        await tx.execute(update(installation).values(beat_at=database_later(-seconds_ago, tx.dialect)))
        is_due = await queries.beat_is_due(tx)
        beaten = await queries.beat(tx, epoch)
        assert is_due or not beaten
        return beaten


async def test_a_database_file_that_is_replaced_under_a_process_is_noticed(tmp_path: Path) -> None:
    file, backup = tmp_path / "muster.db", tmp_path / "backup.db"
    for path in (file, backup):
        path.write_text("")
    continuity = Continuity(None, LifeMarker(tmp_path / "files"), file)
    assert await continuity.problem_of(None) is None
    backup.replace(file)
    problem = await continuity.problem_of(None)
    assert problem is not None
    assert "replaced" in problem
