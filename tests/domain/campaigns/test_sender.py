"""A campaign's way from its list to its outcomes, on both databases."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from muster_sdk import Accepted, Ambiguous, Message, NotSent, Outcome, Rejected, TryAgain
from sqlalchemy import select, update

from domain import jobs
from domain.campaigns import launch, sender
from domain.campaigns import queries as campaigns
from domain.campaigns.audience import audience_of
from domain.campaigns.model import Campaign, CampaignStatus
from domain.customers.tables import contacts, customers
from domain.deliveries import queries as deliveries
from domain.deliveries.model import AcceptMarketing, ExclusionReason, Stats
from domain.deliveries.tables import deliveries as delivery_rows
from domain.deliveries.tables import sandbox_messages
from domain.events.log_tables import event_counters, events
from domain.jobs import LeaseLost
from domain.jobs.model import MAX_DEATHS
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database
from domain.kit.db.portable import database_later
from tests.domain.campaigns.stage import Worker, add_campaign, add_customer, add_list, open_jobs, outcomes
from tests.factories import NOW
from tests.fakes import RecordingChannel


async def stage(database: Database, store_id: int, count: int = 3, **values: object) -> Campaign:
    async with database.write() as tx:
        members = [await add_customer(tx, store_id, number) for number in range(1, count + 1)]
        return await add_campaign(tx, store_id, await add_list(tx, store_id, members), **values)


async def current(database: Database, campaign: Campaign) -> Campaign:
    async with database.read() as tx:
        found = await campaigns.by_id(tx, campaign.store_id, campaign.id)
    assert found is not None
    return found


async def stats(database: Database, campaign: Campaign) -> Stats:
    async with database.read() as tx:
        return (await deliveries.stats_of(tx, campaign.store_id, [campaign.id]))[campaign.id]


async def make_due(database: Database) -> None:
    """Let every wait be over: leases too, as if their workers had died."""
    async with database.write() as tx:
        past = database_later(-1, tx.dialect)
        await tx.execute(update(job_rows).values(due_at=past, lease_until=past))
        await tx.execute(update(delivery_rows).values(not_before=None))


async def test_everyone_on_the_list_gets_one_message(database: Database, store_id: int) -> None:
    campaign = await stage(database, store_id, 1203)
    channel = RecordingChannel()
    await Worker(database, channel).launch(store_id, campaign.id)
    assert sorted(channel.addresses) == sorted(f"c{number}@shop.example" for number in range(1, 1204))
    assert {message.address: message.body for message in channel.sent}["c1@shop.example"] == "Hi Customer 1"
    assert await stats(database, campaign) == Stats(recipients=1203, sent=1203)
    assert (await current(database, campaign)).status is CampaignStatus.SENT
    assert not await open_jobs(database)


async def test_what_was_sent_is_part_of_each_customers_history_once(database: Database, store_id: int) -> None:
    campaign = await stage(database, store_id, 3)
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
        assert sorted(tuple(row) for row in rows) == [(who, kind, str(campaign.id)) for who in (1, 3)]
        tallies = await tx.execute(select(event_counters.c.customer_id, event_counters.c.count))
        assert sorted(tuple(row) for row in tallies) == [(1, 1), (3, 1)]


async def test_reach_says_before_whom_it_gets_to_and_why_not(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        cases: dict[int, dict[str, object]] = {
            1: {},
            2: {"deleted_at": NOW},
            3: {"blacklisted": True},
            4: {"email": None},
            5: {"invalid": True},
            6: {"consent": "UNSUBSCRIBED"},
            7: {"consent": "NOT_SUBSCRIBED"},
            8: {"consent": None},
            9: {"email": "c1@shop.example"},
            10: {},
            11: {"email": "c6@shop.example"},
        }
        members = [await add_customer(tx, store_id, number, **values) for number, values in cases.items()]
        left_out = await add_list(tx, store_id, [10])
        campaign = await add_campaign(tx, store_id, await add_list(tx, store_id, members), exclude=(left_out,))
    channel = RecordingChannel()
    async with database.read() as tx:
        reach = await deliveries.reach(tx, audience_of(campaign, channel))
    assert (reach.audience, reach.recipients) == (10, 2)
    assert reach.excluded == {
        ExclusionReason.DELETED: 1,
        ExclusionReason.BLACKLISTED: 1,
        ExclusionReason.EXCLUDED: 1,
        ExclusionReason.NO_ADDRESS: 1,
        ExclusionReason.INVALID_ADDRESS: 1,
        ExclusionReason.UNSUBSCRIBED: 1,
        ExclusionReason.NOT_SUBSCRIBED: 2,
        ExclusionReason.DUPLICATE_ADDRESS: 1,
    }
    await Worker(database, channel).launch(store_id, campaign.id)
    # 11 shares its address with 6, who said no: the refusal is the customer's, not the address's.
    assert sorted(channel.addresses) == ["c1@shop.example", "c6@shop.example"]


async def test_everyone_but_the_unsubscribed_when_the_campaign_says_so(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        consents = ["SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED", None]
        members = [await add_customer(tx, store_id, n, consent=c) for n, c in enumerate(consents, 1)]
        campaign = await add_campaign(
            tx,
            store_id,
            await add_list(tx, store_id, members),
            accept_marketing=AcceptMarketing.ALL_BUT_UNSUBSCRIBED,
        )
    channel = RecordingChannel()
    await Worker(database, channel).launch(store_id, campaign.id)
    assert channel.addresses == ["c1@shop.example", "c2@shop.example", "c4@shop.example"]


async def test_an_opt_out_between_launch_and_sending_wins(database: Database, store_id: int) -> None:
    campaign = await stage(database, store_id, 150)

    async def opt_out() -> None:
        async with database.write() as tx:
            await tx.execute(update(contacts).where(contacts.c.customer_id == 120).values(consent="UNSUBSCRIBED"))
            await tx.execute(update(customers).where(customers.c.id == 130).values(blacklisted=True))

    channel = RecordingChannel()
    worker = Worker(database, channel)
    channel.before = lambda messages: None
    async with database.write() as tx:
        await launch.start(tx, store_id, campaign.id)
    for notice in await worker.due():
        await worker.run(notice.store_id, notice.job_id)
    await opt_out()
    await worker.work()
    assert "c120@shop.example" not in channel.addresses
    result = await outcomes(database, store_id)
    assert result[120] == ("SKIPPED", "UNSUBSCRIBED")
    assert result[130] == ("SKIPPED", "BLACKLISTED")
    assert await stats(database, campaign) == Stats(recipients=150, sent=148, skipped=2)
    assert (await current(database, campaign)).status is CampaignStatus.SENT


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
    campaign = await stage(database, store_id)
    channel = RecordingChannel(answer=lambda m: answer if m.address == "c2@shop.example" else Accepted("x"))
    await Worker(database, channel).launch(store_id, campaign.id)
    result = await outcomes(database, store_id)
    assert result[2] == (status, error)
    assert result[1] == result[3] == ("SENT", None)
    still_open = status == "PENDING"
    assert await open_jobs(database) == (1 if still_open else 0)
    assert (await current(database, campaign)).status is (CampaignStatus.SENDING if still_open else CampaignStatus.SENT)


async def test_what_can_be_tried_again_is_given_up_after_five_attempts(database: Database, store_id: int) -> None:
    campaign = await stage(database, store_id, 1)
    channel = RecordingChannel(answer=lambda _: TryAgain("busy"))
    worker = Worker(database, channel)
    await worker.launch(store_id, campaign.id)
    for _ in range(6):
        await make_due(database)
        await worker.work()
    assert len(channel.sent) == 5
    assert (await outcomes(database, store_id))[1] == ("FAILED", "busy (gave up after 5 attempts)")
    assert (await current(database, campaign)).status is CampaignStatus.SENT


async def test_a_channel_that_raises_leaves_unknown_and_never_sends_again(database: Database, store_id: int) -> None:
    campaign = await stage(database, store_id)

    def explode(_: Sequence[Message]) -> None:
        raise RuntimeError("boom")

    channel = RecordingChannel(before=explode)
    worker = Worker(database, channel)
    await worker.launch(store_id, campaign.id)
    await make_due(database)
    await worker.work()
    assert set((await outcomes(database, store_id)).values()) == {("UNKNOWN", "the channel broke off: RuntimeError")}
    assert channel.sent == []


async def test_an_unreachable_provider_leaves_all_pending_and_says_why(database: Database, store_id: int) -> None:
    campaign = await stage(database, store_id)
    channel = RecordingChannel(reachable=False)
    worker = Worker(database, channel)
    await worker.launch(store_id, campaign.id)
    assert {status for status, _ in (await outcomes(database, store_id)).values()} == {"PENDING"}
    assert (await current(database, campaign)).problem == "nobody answers"
    channel.reachable = True
    await make_due(database)
    await worker.work()
    assert await stats(database, campaign) == Stats(recipients=3, sent=3)
    done = await current(database, campaign)
    assert (done.status, done.problem) == (CampaignStatus.SENT, None)


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours may catch it."""


@pytest.mark.parametrize("idempotent", [False, True])
async def test_a_worker_killed_while_sending(database: Database, store_id: int, idempotent: bool) -> None:
    campaign = await stage(database, store_id, 250)
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
    counted = await stats(database, campaign)
    if idempotent:
        assert counted == Stats(recipients=250, sent=250)
    else:
        assert counted == Stats(recipients=250, sent=150, unknown=100)
    assert (await current(database, campaign)).status is CampaignStatus.SENT


async def test_a_worker_that_comes_back_late_tells_what_it_knows_and_sends_no_more(
    database: Database, store_id: int
) -> None:
    campaign = await stage(database, store_id, 150)
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
        async def send(self, messages: Sequence[Message]) -> list[Outcome]:
            stopped.set()
            await go_on.wait()
            return await super().send(messages)

    sleepy = Sleepy()
    zombie = asyncio.create_task(Worker(database, sleepy).run(notice.store_id, notice.job_id))
    await stopped.wait()
    await make_due(database)
    await worker.work()
    assert await stats(database, campaign) == Stats(recipients=150, sent=50, unknown=100)
    go_on.set()
    with pytest.raises(LeaseLost):
        await zombie
    assert await stats(database, campaign) == Stats(recipients=150, sent=150)
    assert len(sleepy.sent) == 100
    assert len(channel.sent) == 50


async def test_a_channel_without_settings_keeps_what_it_would_have_sent(database: Database, store_id: int) -> None:
    campaign = await stage(database, store_id)
    channel = RecordingChannel()
    await Worker(database, channel, sandbox=True).launch(store_id, campaign.id)
    assert channel.sent == []
    assert await stats(database, campaign) == Stats(recipients=3, sent=3)
    async with database.read() as tx:
        kept = await deliveries.messages_of(tx, store_id, [(campaign.id, 2)])
    assert kept[campaign.id, 2]["text"] == "Hi Customer 2"
    assert len(await rows(database, sandbox_messages.c.customer_id)) == 3


async def rows(database: Database, column: object) -> list[object]:
    async with database.read() as tx:
        return list((await tx.execute(select(column))).scalars())  # type: ignore[call-overload]  # any column


async def test_a_launch_that_is_rung_for_twice_freezes_once(database: Database, store_id: int) -> None:
    campaign = await stage(database, store_id)
    channel = RecordingChannel()
    worker = Worker(database, channel)
    await worker.launch(store_id, campaign.id)
    await worker.launch(store_id, campaign.id)
    assert len(channel.sent) == 3


async def test_a_paused_campaign_sends_nothing(database: Database, store_id: int) -> None:
    campaign = await stage(database, store_id)
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


async def test_nobody_left_at_launch_fails_the_campaign_and_says_so(database: Database, store_id: int) -> None:
    campaign = await stage(database, store_id)
    async with database.write() as tx:
        await tx.execute(update(contacts).values(consent="UNSUBSCRIBED"))
    await Worker(database, RecordingChannel()).launch(store_id, campaign.id)
    failed = await current(database, campaign)
    assert (failed.status, failed.problem) == (
        CampaignStatus.FAILED,
        "Nobody on its list can be reached any more",
    )


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


async def test_a_batch_whose_workers_keep_dying_is_given_up_honestly(database: Database, store_id: int) -> None:
    campaign = await stage(database, store_id, 150)
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
        for job in await jobs.sweep(tx):
            await sender.give_up(tx, job, NOW)
    assert await stats(database, campaign) == Stats(recipients=150, unknown=100, failed=50)
    assert (await current(database, campaign)).status is CampaignStatus.SENT
