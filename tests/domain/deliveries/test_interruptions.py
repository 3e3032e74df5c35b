"""What a worker knows is not forgotten, whatever interrupts it: faults that the simulation has found."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest
from muster_sdk import Accepted, Message, Rejected, Report
from sqlalchemy import func, select, update

from domain.deliveries.settlement import resolve_interrupted
from domain.deliveries.tables import deliveries
from domain.jobs import LeaseLost
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database, Transaction
from domain.kit.db.portable import database_later
from domain.sessions.session import ChannelBroken
from tests.domain.campaigns.stage import fix_windows
from tests.domain.deliveries.stage import make_notice
from tests.fakes import RecordingChannel


async def test_intents_of_a_worker_that_is_stopped_as_they_are_committed_are_taken_back(
    database: Database, store_id: int
) -> None:
    notice = await make_notice(database, store_id, 3)
    write, stopped = database.write, iter([True])

    @asynccontextmanager
    async def interrupted() -> AsyncGenerator[Transaction]:
        async with write() as tx:
            yield tx
            intended = await tx.scalar(select(func.count()).where(deliveries.c.status == "SENDING"))
        if intended and next(stopped, False):
            raise asyncio.CancelledError

    database.write = interrupted  # type: ignore[method-assign]  # a moment that no test can meet from outside
    with pytest.raises(asyncio.CancelledError):
        await notice.deliver()
    assert set((await notice.statuses()).values()) == {"PENDING"}
    assert {row.attempts for row in (await notice.rows()).values()} == {0}
    assert notice.channel.sent == []


async def test_outcomes_are_recorded_though_a_lost_lease_follows_a_stop(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_windows(monkeypatch, 100)
    notice = await make_notice(database, store_id, 3)
    write = database.write
    away, trying = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def reluctant() -> AsyncGenerator[Transaction]:
        if notice.channel.sent and not away.is_set():
            trying.set()
            await away.wait()
        async with write() as tx:
            yield tx

    database.write = reluctant  # type: ignore[method-assign]  # a database that answers late
    task = asyncio.create_task(notice.deliver())
    await asyncio.wait_for(trying.wait(), 20)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0.01)
    away.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set((await notice.statuses()).values()) == {"SENT"}


async def test_what_has_begun_is_sent_to_its_end_though_a_lost_lease_follows_a_stop(
    database: Database, store_id: int
) -> None:
    notice = await make_notice(database, store_id, 1)
    begun, answered = asyncio.Event(), asyncio.Event()

    class Slow(RecordingChannel):
        async def send(self, messages: Sequence[Message], report: Report) -> None:
            assert report.begin(messages[0])
            begun.set()
            await answered.wait()
            report.end(messages[0], Accepted())

    notice.channel = Slow()
    task = asyncio.create_task(notice.deliver())
    await asyncio.wait_for(begun.wait(), 20)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0.01)
    answered.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await notice.statuses() == {1: "SENT"}


async def test_a_message_that_was_refused_has_failed_though_another_worker_took_it_for_unknown(
    database: Database, store_id: int
) -> None:
    notice = await make_notice(database, store_id, 1)

    class Slow(RecordingChannel):
        async def send(self, messages: Sequence[Message], report: Report) -> None:
            assert report.begin(messages[0])
            async with database.write() as tx:
                past = database_later(-1, tx.dialect)
                job_id = await tx.scalar(update(job_rows).values(lease_until=past).returning(job_rows.c.id))
            job = await notice.claim(job_id)
            async with database.write() as tx:
                await resolve_interrupted(
                    tx, notice.journals, notice.mailing, await notice.batch(), job.fence, idempotent=False
                )
            assert await notice.statuses() == {1: "UNKNOWN"}
            report.end(messages[0], Rejected("no such mailbox"))

    notice.channel = Slow()
    with pytest.raises(LeaseLost):
        await notice.deliver()
    assert await notice.statuses() == {1: "FAILED"}


async def test_what_a_channel_leaves_running_begins_nothing(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id, 2)
    begun: list[bool] = []

    class Careless(RecordingChannel):
        async def send(self, messages: Sequence[Message], report: Report) -> None:
            async def straggle() -> None:
                await asyncio.sleep(0)
                begun.append(report.begin(messages[1]))

            assert report.begin(messages[0])
            report.end(messages[0], Accepted())
            self.straggler = asyncio.create_task(straggle())
            raise RuntimeError("boom")

    careless = notice.channel = Careless()
    with pytest.raises(ChannelBroken):
        await notice.deliver()
    await careless.straggler
    assert begun == [False]
    assert await notice.statuses() == {1: "SENT", 2: "PENDING"}
