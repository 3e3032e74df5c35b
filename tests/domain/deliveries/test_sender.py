"""The sender sends for any source: here for notices, which are no campaigns."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import pytest
from muster_sdk import Accepted, Message, Report
from sqlalchemy import event, func, select, update
from sqlalchemy.exc import OperationalError

from channels.email.plugin import EmailChannel
from domain import jobs
from domain.campaigns.tables import campaigns
from domain.deliveries import batch_sender, batches, sender
from domain.deliveries.mailing import MailingState
from domain.deliveries.model import Stats
from domain.deliveries.settlement import resolve_interrupted
from domain.deliveries.tables import deliveries
from domain.jobs import LeaseLost
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database, Transaction
from domain.kit.db.portable import database_later
from domain.sessions.session import ChannelBroken
from tests.domain.campaigns.stage import Killed, fix_windows
from tests.domain.deliveries.stage import Notice, make_notice
from tests.fakes import LocalChannel, RecordingChannel, make_services


async def open_jobs(database: Database) -> int:
    async with database.read() as tx:
        return len((await tx.execute(select(job_rows.c.id))).all())


async def steal(notice: Notice) -> None:
    """End the lease, and have another worker claim the job and resolve what was being sent."""
    async with notice.database.write() as tx:
        past = database_later(-1, tx.dialect)
        job_id = await tx.scalar(update(job_rows).values(lease_until=past).returning(job_rows.c.id))
    job = await notice.claim(job_id)
    async with notice.database.write() as tx:
        await resolve_interrupted(
            tx, notice.journals, notice.mailing, await notice.batch(), job.fence, idempotent=False
        )


async def test_a_notice_is_sent_and_closed(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id, 250)
    await notice.deliver()
    assert sorted(notice.channel.addresses) == sorted(f"c{number}@shop.example" for number in range(1, 251))
    assert set((await notice.statuses()).values()) == {"SENT"}
    assert notice.source.closed == [notice.mailing.id]
    assert await open_jobs(database) == 0
    async with database.read() as tx:
        assert await tx.scalar(select(campaigns.c.status)) == "DRAFT", "the sender asks the source alone"


async def test_a_paused_notice_waits(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id)
    notice.source.current = MailingState.PAUSED
    await notice.deliver()
    assert notice.channel.sent == []
    assert (await open_jobs(database), notice.source.closed) == (1, [])


async def test_a_closed_notice_sends_nothing_more(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_windows(monkeypatch, 100)
    notice = await make_notice(database, store_id, 150)

    async def close() -> None:
        if notice.channel.sent:
            notice.source.current = MailingState.CLOSED

    notice.source.before_window = close
    await notice.deliver()
    assert len(notice.channel.sent) == 100
    assert await open_jobs(database) == 0


async def test_a_notice_that_is_gone_ends_its_job(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id)
    notice.source.mailing = None
    await notice.deliver()
    assert (await open_jobs(database), notice.channel.sent) == (0, [])


@pytest.mark.parametrize("installed", [True, False])
async def test_what_keeps_a_notice_from_going_out_is_told_to_its_source(
    database: Database, store_id: int, installed: bool
) -> None:
    notice = await make_notice(database, store_id)
    notice.channel.reachable = False
    services = notice.services if installed else make_services(database)
    job = await notice.claim(await notice.add_job())
    await sender.deliver(services, job, notice.source, notice.key)
    assert notice.source.problems == ["nobody answers" if installed else "The channel recording is not installed"]
    assert set((await notice.statuses()).values()) == {"PENDING"}
    assert await open_jobs(database) == 1


async def test_known_outcomes_are_recorded_though_the_lease_was_lost(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_windows(monkeypatch, 100)
    notice = await make_notice(database, store_id, 150)

    class Slow(RecordingChannel):
        async def send(self, messages: Sequence[Message], report: Report) -> None:
            await steal(notice)
            assert set((await notice.statuses()).values()) == {"UNKNOWN", "PENDING"}
            await super().send(messages, report)

    notice.channel = Slow()
    with pytest.raises(LeaseLost):
        await notice.deliver()
    statuses = list((await notice.statuses()).values())
    assert (statuses.count("SENT"), statuses.count("PENDING")) == (100, 50)
    async with database.write() as tx:
        assert await batches.recount(tx, await notice.batch()) == Stats(recipients=150, pending=50, sent=100)


async def test_known_outcomes_are_recorded_as_soon_as_the_database_is_back(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_windows(monkeypatch, 100)
    notice = await make_notice(database, store_id, 150)
    faults = iter([OSError("gone"), OperationalError(None, None, OSError("gone")), OSError("gone")])

    async def fail() -> None:
        if notice.channel.sent and (fault := next(faults, None)):
            raise fault

    notice.source.before_window = fail
    await notice.deliver()
    assert set((await notice.statuses()).values()) == {"SENT"}
    assert len(notice.channel.sent) == 150
    assert next(faults, None) is None


async def test_intents_whose_commit_was_not_answered_are_taken_back(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id, 3)
    write, lost = database.write, iter([True])

    @asynccontextmanager
    async def answerless() -> AsyncGenerator[Transaction]:
        async with write() as tx:
            yield tx
            intended = await tx.scalar(select(func.count()).where(deliveries.c.status == "SENDING"))
        if intended and next(lost, False):
            raise OSError("the answer was lost")

    database.write = answerless  # type: ignore[method-assign]  # the network
    await notice.deliver()
    assert await notice.statuses() == {1: "SENT", 2: "SENT", 3: "SENT"}
    assert len(notice.channel.sent) == 3
    assert {row.attempts for row in (await notice.rows()).values()} == {1}
    assert next(lost, None) is None


async def test_known_outcomes_are_recorded_though_the_worker_is_stopped(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_windows(monkeypatch, 100)
    notice = await make_notice(database, store_id, 150)
    recording = asyncio.Event()

    async def linger() -> None:
        if notice.channel.sent:
            recording.set()
            await asyncio.sleep(30)

    notice.source.before_window = linger
    task = asyncio.create_task(notice.deliver())
    await asyncio.wait_for(recording.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    statuses = list((await notice.statuses()).values())
    assert (statuses.count("SENT"), statuses.count("PENDING")) == (100, 50)


async def test_what_a_slow_server_did_not_begin_is_tried_again(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_windows(monkeypatch, 20)
    monkeypatch.setattr(batch_sender, "_BEGIN_SECONDS", 0.4)
    windows: list[int] = []

    class Slow(RecordingChannel):
        async def send(self, messages: Sequence[Message], report: Report) -> None:
            windows.append(len(messages))
            for message in messages:
                if not report.begin(message):
                    return
                await asyncio.sleep(0.1)
                self.sent.append(message)
                report.end(message, Accepted(None))

    notice = await make_notice(database, store_id, 24)
    notice.channel = Slow()
    await notice.deliver()
    assert sum(windows) > 24, "every message began at its first try"
    assert len(set(notice.channel.addresses)) == len(notice.channel.sent) == 24
    rows = await notice.rows()
    assert {(row.status, row.attempts) for row in rows.values()} == {("SENT", 1)}


async def test_a_message_that_cannot_be_composed_fails_whatever_becomes_of_the_others(
    database: Database, store_id: int
) -> None:
    text = "{% if customer.name == 'Customer 2' %}{{ customer.name + 1 }}{% endif %}Hi"
    notice = await make_notice(database, store_id, 3, text)

    def fail(_: Sequence[Message]) -> None:
        raise RuntimeError("boom")

    notice.channel.before = fail
    with pytest.raises(ChannelBroken, match="RuntimeError"):
        await notice.deliver()
    assert await notice.statuses() == {1: "UNKNOWN", 2: "FAILED", 3: "UNKNOWN"}
    assert notice.source.problems == ["The channel recording failed: RuntimeError"]


@contextmanager
def statements(database: Database) -> Generator[list[str]]:
    executed: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        executed.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield executed
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("text", "loaded"),
    [
        ("{{ customer.name }}, a property for you", False),
        ("{{ customer.property.size }}", True),
        ("{{ customer['property'].size }}", True),
        ("{% set property = 1 %}{{ property }}", False),
    ],
)
async def test_properties_are_loaded_for_templates_that_read_them(
    database: Database, store_id: int, text: str, loaded: bool
) -> None:
    notice = await make_notice(database, store_id, 1, text)
    with statements(database) as executed:
        await notice.deliver()
    assert any("customer_properties" in statement for statement in executed) is loaded
    assert len(notice.channel.sent) == 1


async def test_a_batch_whose_workers_died_is_resolved_for_its_source(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_windows(monkeypatch, 100)
    notice = await make_notice(database, store_id, 150)

    def die(_: Sequence[Message]) -> None:
        raise Killed

    notice.channel.before = die
    job = await notice.claim(await notice.add_job())
    with pytest.raises(Killed):
        await notice.deliver(job)
    async with database.write() as tx:
        await sender.give_up(tx, notice.services, job, notice.source, notice.key)
        stats = await batches.recount(tx, await notice.batch())
    assert stats == Stats(recipients=150, unknown=100, failed=50)
    assert notice.source.closed == [notice.mailing.id]
    async with database.write() as tx:
        await jobs.finish(tx, job)


async def test_a_stored_address_that_is_refused_by_now_is_not_sent_to(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id)
    content = {"subject": "Hello", "text": "Hi"}
    notice.source.mailing = replace(notice.mailing, content=content)
    async with database.write() as tx:
        await tx.execute(update(deliveries).where(deliveries.c.customer_id == 2).values(address="0@\u00af"))
    services = make_services(database, LocalChannel(EmailChannel(), None), journals=notice.journals)
    job = await notice.claim(await notice.add_job())
    await sender.deliver(services, job, notice.source, notice.key)
    rows = await notice.rows()
    assert {customer_id: row.status for customer_id, row in rows.items()} == {1: "SENT", 2: "FAILED", 3: "SENT"}
    assert rows[2].error.startswith("The recipient's address is no e-mail address: its domain is none of IDNA 2008")
