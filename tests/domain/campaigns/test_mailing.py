"""A campaign's way from its list to its outcomes, on both databases."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from muster_sdk import Accepted, Ambiguous, Message, NotSent, Outcome, Rejected, Report, TryAgain
from sqlalchemy import select, update

from domain import jobs
from domain.campaigns import launch, mailing
from domain.campaigns import queries as campaigns
from domain.campaigns.model import CampaignStatus
from domain.deliveries import queries as deliveries
from domain.deliveries.model import Stats
from domain.deliveries.tables import sandbox_messages
from domain.events.tables import event_counters, events
from domain.jobs import LeaseLost
from domain.jobs.model import MAX_DEATHS
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database
from domain.sessions.session import ChannelBroken
from tests.domain.campaigns.stage import (
    Killed,
    Worker,
    fix_windows,
    make_campaign,
    make_due,
    open_jobs,
    outcomes,
    reload,
    stats_of,
)
from tests.fakes import RecordingChannel


async def test_everyone_on_the_list_gets_one_message(database: Database, store_id: int) -> None:
    campaign = await make_campaign(database, store_id, 1203)
    channel = RecordingChannel()
    await Worker(database, channel).launch(store_id, campaign.id)
    assert sorted(channel.addresses) == sorted(f"c{number}@shop.example" for number in range(1, 1204))
    assert {message.address: message.body for message in channel.sent}["c1@shop.example"] == "Hi Customer 1"
    assert await stats_of(database, campaign) == Stats(recipients=1203, sent=1203)
    assert (await reload(database, campaign)).status is CampaignStatus.SENT
    assert not await open_jobs(database)


async def test_what_was_sent_is_part_of_each_customers_history_once(database: Database, store_id: int) -> None:
    campaign = await make_campaign(database, store_id, 3)
    answers: dict[str, Outcome] = {"c2@shop.example": Rejected("no mailbox"), "c3@shop.example": TryAgain("busy")}
    channel = RecordingChannel(answer=lambda message: answers.get(message.address, Accepted("x")))
    worker = Worker(database, channel)
    await worker.launch(store_id, campaign.id)
    del answers["c3@shop.example"]
    await make_due(database)
    await worker.work()
    async with database.read() as tx:
        rows = await tx.execute(select(events.c.customer_id, events.c.type, events.c.subject))
        kind = f"{campaign.channel}.sent"
        assert sorted(tuple(row) for row in rows) == [(customer_id, kind, str(campaign.id)) for customer_id in (1, 3)]
        counters = await tx.execute(select(event_counters.c.customer_id, event_counters.c.count))
        assert sorted(tuple(row) for row in counters) == [(1, 1), (3, 1)]


ANSWERS: list[tuple[Outcome, str, str | None]] = [
    (Rejected("550 no such user"), "FAILED", "550 no such user"),
    (Ambiguous("the connection broke"), "UNKNOWN", "the connection broke"),
    (TryAgain("greylisted", timedelta(minutes=5)), "PENDING", "greylisted"),
    (NotSent("refused"), "PENDING", "refused"),
]


@pytest.mark.parametrize(("answer", "status", "error"), ANSWERS)
async def test_each_outcome_leaves_an_honest_state(
    database: Database, store_id: int, answer: Outcome, status: str, error: str | None
) -> None:
    campaign = await make_campaign(database, store_id)
    channel = RecordingChannel(answer=lambda m: answer if m.address == "c2@shop.example" else Accepted("x"))
    await Worker(database, channel).launch(store_id, campaign.id)
    result = await outcomes(database, store_id)
    assert result[2] == (status, error)
    assert result[1] == result[3] == ("SENT", None)
    still_open = status == "PENDING"
    assert await open_jobs(database) == (1 if still_open else 0)
    assert (await reload(database, campaign)).status is (CampaignStatus.SENDING if still_open else CampaignStatus.SENT)


async def test_what_can_be_tried_again_is_given_up_after_five_attempts(database: Database, store_id: int) -> None:
    campaign = await make_campaign(database, store_id, 1)
    channel = RecordingChannel(answer=lambda _: TryAgain("busy"))
    worker = Worker(database, channel)
    await worker.launch(store_id, campaign.id)
    for _ in range(6):
        await make_due(database)
        await worker.work()
    assert len(channel.sent) == 5
    assert (await outcomes(database, store_id))[1] == ("FAILED", "busy (gave up after 5 attempts)")
    assert (await reload(database, campaign)).status is CampaignStatus.SENT


async def test_what_had_begun_when_a_channel_raised_is_unknown_and_not_sent_again(
    database: Database, store_id: int
) -> None:
    campaign = await make_campaign(database, store_id)

    def explode(_: Sequence[Message]) -> None:
        raise RuntimeError("boom")

    channel = RecordingChannel(before=explode)
    worker = Worker(database, channel)
    with pytest.raises(ChannelBroken, match="The channel recording failed: RuntimeError"):
        await worker.launch(store_id, campaign.id)
    assert (await reload(database, campaign)).problem == "The channel recording failed: RuntimeError"
    await make_due(database)
    await worker.work()
    assert {status for status, _ in (await outcomes(database, store_id)).values()} == {"UNKNOWN"}
    assert channel.sent == []
    done = await reload(database, campaign)
    assert done.status is CampaignStatus.SENT
    assert done.problem == (
        "Of 3 messages, of 3 it is unknown whether they arrived: its deliveries say why. "
        "The channel recording failed: RuntimeError"
    )


async def test_an_unreachable_provider_leaves_all_pending_and_says_why(database: Database, store_id: int) -> None:
    campaign = await make_campaign(database, store_id)
    channel = RecordingChannel(reachable=False)
    worker = Worker(database, channel)
    await worker.launch(store_id, campaign.id)
    assert {status for status, _ in (await outcomes(database, store_id)).values()} == {"PENDING"}
    assert (await reload(database, campaign)).problem == "nobody answers"
    channel.reachable = True
    await make_due(database)
    await worker.work()
    assert await stats_of(database, campaign) == Stats(recipients=3, sent=3)
    done = await reload(database, campaign)
    assert (done.status, done.problem) == (CampaignStatus.SENT, None)


@pytest.mark.parametrize("idempotent", [False, True])
async def test_a_worker_killed_while_sending(
    database: Database, store_id: int, idempotent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_windows(monkeypatch, 100)
    campaign = await make_campaign(database, store_id, 250)
    channel = RecordingChannel.idempotent() if idempotent else RecordingChannel()

    def die(messages: Sequence[Message]) -> None:
        if len(channel.sent) >= (0 if idempotent else 100):
            raise Killed

    channel.before = die
    worker = Worker(database, channel)
    with pytest.raises(Killed):
        await worker.launch(store_id, campaign.id)
    channel.before = lambda _: None
    await make_due(database)
    await worker.work()
    assert len(channel.sent) == len(set(channel.addresses)), "nobody gets it twice"
    counted = await stats_of(database, campaign)
    if idempotent:
        assert counted == Stats(recipients=250, sent=250)
    else:
        assert counted == Stats(recipients=250, sent=150, unknown=100)
    assert (await reload(database, campaign)).status is CampaignStatus.SENT


async def test_a_worker_that_comes_back_late_tells_what_it_knows_and_sends_no_more(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_windows(monkeypatch, 100)
    campaign = await make_campaign(database, store_id, 150)
    channel = RecordingChannel()
    worker = Worker(database, channel)
    async with database.write() as tx:
        await launch.start(tx, store_id, campaign.id)
    for notice in await worker.due():
        await worker.run(notice.store_id, notice.job_id)
    (notice,) = await worker.due()
    stopped, go_on = asyncio.Event(), asyncio.Event()
    sleepy = RecordingChannel()

    class Sleepy(RecordingChannel):
        async def send(self, messages: Sequence[Message], report: Report) -> None:
            stopped.set()
            await go_on.wait()
            await super().send(messages, report)

    sleepy = Sleepy()
    zombie = asyncio.create_task(Worker(database, sleepy).run(notice.store_id, notice.job_id))
    await stopped.wait()
    await make_due(database)
    await worker.work()
    assert await stats_of(database, campaign) == Stats(recipients=150, sent=50, unknown=100)
    go_on.set()
    with pytest.raises(LeaseLost):
        await zombie
    assert await stats_of(database, campaign) == Stats(recipients=150, sent=150)
    assert len(sleepy.sent) == 100
    assert len(channel.sent) == 50


async def test_a_channel_without_settings_keeps_what_it_would_have_sent(database: Database, store_id: int) -> None:
    campaign = await make_campaign(database, store_id)
    channel = RecordingChannel()
    await Worker(database, channel, sandbox=True).launch(store_id, campaign.id)
    assert channel.sent == []
    assert await stats_of(database, campaign) == Stats(recipients=3, sent=3)
    async with database.read() as tx:
        messages = await deliveries.messages_of(tx, store_id, [(campaign.id, 2)])
    assert messages[campaign.id, 2]["text"] == "Hi Customer 2"
    assert len(await rows(database, sandbox_messages.c.customer_id)) == 3


async def rows(database: Database, column: object) -> list[object]:
    async with database.read() as tx:
        return list((await tx.execute(select(column))).scalars())  # type: ignore[call-overload]  # any column


async def test_a_paused_campaign_sends_nothing(database: Database, store_id: int) -> None:
    campaign = await make_campaign(database, store_id)
    channel = RecordingChannel()
    worker = Worker(database, channel)

    async with database.write() as tx:
        await launch.start(tx, store_id, campaign.id)
    for notice in await worker.due():
        await worker.run(notice.store_id, notice.job_id)
    async with database.write() as tx:
        await campaigns.replace(tx, replace(campaign, status=CampaignStatus.PAUSED))
    await worker.work()
    assert channel.sent == []
    async with database.write() as tx:
        await campaigns.replace(tx, campaign)
    await make_due(database)
    await worker.work()
    assert len(channel.sent) == 3


async def test_a_job_of_another_claim_is_not_finished(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        job_id: UUID = await jobs.add(tx, store_id, "x", {})
        first = await jobs.claim(tx, store_id, job_id, "a", -1)
        second = await jobs.claim(tx, store_id, job_id, "b", 60)
        assert first is not None
        assert second is not None
        with pytest.raises(LeaseLost):
            await jobs.finish(tx, first)
        await jobs.finish(tx, second)


async def test_a_batch_whose_workers_keep_dying_is_given_up_honestly(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_windows(monkeypatch, 100)
    campaign = await make_campaign(database, store_id, 150)
    channel = RecordingChannel()

    def die(_: Sequence[Message]) -> None:
        raise Killed

    channel.before = die
    worker = Worker(database, channel)
    with pytest.raises(Killed):
        await worker.launch(store_id, campaign.id)
    await make_due(database)
    async with database.write() as tx:
        await tx.execute(update(job_rows).values(deaths=MAX_DEATHS))
        for notice in await jobs.killers(tx):
            job = await jobs.quarantine(tx, notice.store_id, notice.job_id)
            assert job is not None
            await mailing.give_up(tx, worker.services, job)
    assert await stats_of(database, campaign) == Stats(recipients=150, unknown=100, failed=50)
    assert (await reload(database, campaign)).status is CampaignStatus.SENT
