"""Observers of plugins are told what became of messages, and one that fails is told again, a few times."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from muster_sdk import DeliveryNotice, Rejected
from sqlalchemy import select

from api.settings import child_environment
from domain import jobs
from domain.deliveries import notices, observation
from domain.extensions import Extensions
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database
from plugins.contributions import InstalledObserver, Plugins
from plugins.isolation.sessions import IsolatedSessions
from tests.domain.deliveries.stage import Notice, make_notice
from tests.factories import NOW

ROOT = Path(__file__).parents[3]
DIARY = InstalledObserver("diary", "muster-words", "1.0", "tests.plugins.isolation.words")


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    return tmp_path / "diary.txt"


def lines(diary: Path) -> list[str]:
    return diary.read_text().splitlines() if diary.exists() else []


@pytest.fixture
async def sessions(diary: Path) -> AsyncIterator[IsolatedSessions]:
    environment = {**child_environment(), "PYTHONPATH": str(ROOT), "MUSTER_TEST_DIARY": str(diary)}
    opened = IsolatedSessions(Plugins({}, (), observers={"diary": DIARY}), environment, 512)
    yield opened
    await opened.close()


@pytest.fixture
async def notice(database: Database, store_id: int) -> Notice:
    made = await make_notice(database, store_id)
    made.extensions = Extensions(observers=("diary",))
    made.channel.answer = lambda message: Rejected("no such number")
    return made


async def observe(notice: Notice, sessions: IsolatedSessions) -> list[tuple[object, object]]:
    """Do the job, whenever it is due, and return the failures and the error of what is left of it."""
    async with notice.database.read() as tx:
        [job_id] = (await tx.execute(select(job_rows.c.id).where(job_rows.c.kind == notices.JOB))).scalars()
    async with notice.database.write() as tx:
        await tx.execute(job_rows.update().values(due_at=job_rows.c.created_at))
    job = await notice.claim(job_id)
    await observation.observe(replace(notice.services, sessions=sessions), job)
    async with notice.database.read() as tx:
        rows = await tx.execute(select(job_rows.c.payload, job_rows.c.error).where(job_rows.c.kind == notices.JOB))
        return [(row.payload.get("failures"), row.error) for row in rows]


async def test_an_observer_is_told_of_each_message_of_a_batch(
    notice: Notice, sessions: IsolatedSessions, diary: Path
) -> None:
    await notice.deliver()
    assert await observe(notice, sessions) == []
    told = f"{notice.mailing.store.id} {notice.mailing.id}"
    assert lines(diary) == [f"{told} {customer} recording failed no such number" for customer in (1, 2, 3)]


async def test_an_observer_is_told_of_receipts(notice: Notice, sessions: IsolatedSessions, diary: Path) -> None:
    store_id = notice.mailing.store.id
    told = [DeliveryNotice(store_id, notice.mailing.id, 2, "recording", "opened", NOW)]
    async with notice.database.write() as tx:
        await notices.pass_on(tx, ["diary"], store_id, told)
    assert await observe(notice, sessions) == []
    assert lines(diary) == [f"{store_id} {notice.mailing.id} 2 recording opened None"]


async def test_an_observer_that_fails_is_told_again_and_then_given_up(
    notice: Notice, sessions: IsolatedSessions, diary: Path
) -> None:
    closed = diary.with_suffix(".closed")
    closed.touch()
    await notice.deliver()
    for failures in range(1, 5):
        [(counted, error)] = await observe(notice, sessions)
        assert counted == failures
        assert error == "The observer diary (muster-words 1.0) failed in observe: OSError"
    assert await observe(notice, sessions) == []
    assert lines(diary) == []


async def test_nobody_is_told_where_no_plugin_observes(notice: Notice) -> None:
    notice.extensions = Extensions()
    await notice.deliver()
    async with notice.database.read() as tx:
        assert await jobs.due(tx, 10) == []
