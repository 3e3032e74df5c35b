"""All workers keep to the limits of an account, and wait when its provider refuses it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from time import monotonic

import pytest
from muster_sdk import Accepted, AccountLimits, AccountRefused, Message, Outcome, Rejected, Report
from sqlalchemy import select, update

from domain.accounts.model import AccountKey
from domain.deliveries import freeze
from domain.deliveries.account_gate import AccountGate
from domain.deliveries.model import AcceptMarketing
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database
from domain.kit.db.portable import database_later, database_now
from domain.sessions.session import ChannelBroken
from tests.domain.deliveries.accounts import AccountChannel, LimitedChannel, accounts_of, end_wait, until_sent, working
from tests.domain.deliveries.stage import Notice, make_notice
from tests.domain.deliveries.test_sender import statements
from tests.factories import add_store

LIMITS = AccountLimits("+12025550123", per_second=50, burst=10)


def refuse(after: timedelta | None = None) -> Callable[[Message], Outcome]:
    return lambda _: AccountRefused("429 Too many requests", after)


async def make_account_notice(
    database: Database, store_id: int, customers: int, channel: AccountChannel | None = None
) -> tuple[Notice, AccountChannel]:
    notice = await make_notice(database, store_id, customers)
    notice.channel = channel = channel or AccountChannel()
    return notice, channel


async def wait_of_job(database: Database) -> float:
    """Return the seconds after which the only job is due."""
    async with database.read() as tx:
        due_at, now = (await tx.execute(select(job_rows.c.due_at, database_now(tx.dialect)))).one()
    return float((due_at - now).total_seconds())


async def test_a_refused_account_costs_no_attempt(database: Database, store_id: int) -> None:
    notice, channel = await make_account_notice(database, store_id, 5)
    channel.answer = refuse(timedelta(seconds=30))
    await notice.deliver()
    rows = await notice.rows()
    assert {(row.status, row.attempts, row.fence) for row in rows.values()} == {("PENDING", 0, 0)}
    assert len(channel.sent) == 1, "the rest of the window did not begin"
    assert notice.source.problems == ["429 Too many requests"]
    [account] = await accounts_of(database)
    assert (account.account, account.reason, account.refusals) == ("", "429 Too many requests", 1)
    assert 25 < await wait_of_job(database) <= 30
    async with database.read() as tx:
        assert (await tx.execute(select(job_rows.c.status, job_rows.c.deaths))).one() == ("queued", 0)


async def test_what_has_begun_ends_as_it_ends_though_the_account_is_refused(database: Database, store_id: int) -> None:
    class Parallel(AccountChannel):
        async def send(self, messages: Sequence[Message], report: Report) -> None:
            assert all(report.begin(message) for message in messages[:4])
            report.end(messages[0], AccountRefused("429", timedelta(seconds=9)))
            assert not report.begin(messages[4])
            report.end(messages[1], Accepted("id"))
            report.end(messages[2], Rejected("no such number"))

    notice, _ = await make_account_notice(database, store_id, 5, Parallel())
    await notice.deliver()
    rows = (await notice.rows()).values()
    assert [row.status for row in rows] == ["PENDING", "SENT", "FAILED", "UNKNOWN", "PENDING"]
    assert [row.attempts for row in rows] == [0, 1, 1, 1, 0]


async def test_all_campaigns_of_the_account_wait_and_nobody_else(database: Database, store_id: int) -> None:
    notice, channel = await make_account_notice(database, store_id, 3, LimitedChannel(limits=LIMITS))
    channel.answer = refuse()
    await notice.deliver()
    same = replace(notice, source=type(notice.source)(notice.mailing))
    await same.deliver()
    assert (len(channel.sent), same.source.problems) == (1, ["429 Too many requests"])
    # Another account of the channel, another channel, another store.
    others: list[Notice] = []
    for key, limits in (("recording", AccountLimits("other")), ("other", LIMITS), ("recording", LIMITS)):
        async with database.write() as tx:
            other_store = await add_store(tx) if len(others) == 2 else store_id
        other = notice if other_store == store_id else await make_notice(database, other_store, 2)
        mailing = replace(other.mailing, channel=key, accept_marketing=AcceptMarketing.ALL_BUT_UNSUBSCRIBED)
        others.append(replace(other, mailing=mailing, source=type(notice.source)(mailing)))
        others[-1].channel = sends = LimitedChannel(key=key, limits=limits, answer=lambda _: AccountRefused("again"))
        await others[-1].deliver()
        assert len(sends.sent) == 1, f"{key} {limits}"


async def test_a_refused_account_is_tried_by_one_message_and_goes_on_by_itself(
    database: Database, store_id: int
) -> None:
    notice, channel = await make_account_notice(database, store_id, 20)
    windows: list[int] = []

    class Counting(AccountChannel):
        async def send(self, messages: Sequence[Message], report: Report) -> None:
            windows.append(len(messages))
            await super().send(messages, report)

    notice.channel = channel = Counting(answer=refuse())
    await notice.deliver()
    await end_wait(database)
    await notice.deliver()
    assert windows[1:] == [1]
    [account] = await accounts_of(database)
    assert account.refusals == 2
    await notice.deliver()
    assert len(windows) == 2, "nobody sends before the wait is over"
    await end_wait(database)
    channel.answer = lambda _: Accepted("id")
    notice.source.mailing = replace(notice.mailing, problem="429 Too many requests")
    await notice.deliver()
    assert windows[2] == 1
    assert set((await notice.statuses()).values()) == {"SENT"}
    assert {row.attempts for row in (await notice.rows()).values()} == {1}
    assert notice.source.problems[-1] is None
    [account] = await accounts_of(database)
    assert (account.refusals, account.refused_until, account.reason) == (0, None, None)


async def test_workers_together_keep_to_the_rate(
    database: Database, store_id: int, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freeze, "BATCH_SIZE", 25)
    notice, channel = await make_account_notice(database, store_id, 250, LimitedChannel(limits=LIMITS, seconds=0.01))
    began = monotonic()
    async with working(database_url, [notice]):
        await until_sent(notice)
    assert len(channel.sent) == 250
    # What the worker's own process does late is none of the account's.
    assert channel.most_in(1) <= 60
    assert monotonic() - began > 4, "250 messages take 5 seconds less the burst"


async def test_all_workers_wait_as_long_as_the_provider_asks(
    database: Database, store_id: int, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freeze, "BATCH_SIZE", 25)
    notice, channel = await make_account_notice(database, store_id, 200, AccountChannel(seconds=0.02))
    refused_at: list[float] = []

    def answer(_: Message) -> Outcome:
        if len(channel.sent) < 40 or (refused_at and monotonic() > refused_at[0] + 3):
            return Accepted("id")
        refused_at.append(monotonic())
        return AccountRefused("429", timedelta(seconds=3))

    channel.answer = answer
    async with working(database_url, [notice]):
        await until_sent(notice)
    assert len(channel.sent) == 200 + len(refused_at)
    assert {row.attempts for row in (await notice.rows()).values()} == {1}
    # Of each of the other workers one window at most is under way.
    assert len(refused_at) <= 8
    silence = refused_at[-1] + 0.1, refused_at[0] + 3
    assert [moment for moment in channel.arrivals if silence[0] < moment < silence[1]] == []


async def test_no_more_workers_send_at_a_time_than_the_account_takes(
    database: Database, store_id: int, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freeze, "BATCH_SIZE", 10)
    limits = AccountLimits("sender", concurrency=2)
    notice, channel = await make_account_notice(database, store_id, 120, LimitedChannel(limits=limits, seconds=0.01))
    async with working(database_url, [notice]):
        await until_sent(notice)
    assert channel.most_under_way == 2
    assert len(channel.sent) == 120


async def test_a_killed_workers_slot_comes_back(database: Database, store_id: int) -> None:
    limits = AccountLimits("sender", concurrency=1)
    notice, channel = await make_account_notice(database, store_id, 3, LimitedChannel(limits=limits))
    killed = await notice.claim(await notice.add_job())
    assert await AccountGate(killed, AccountKey(store_id, "recording", "sender"), limits).enter(database)
    await notice.deliver()
    assert (channel.sent, notice.source.problems) == ([], [])
    async with database.write() as tx:
        past = database_later(-1, tx.dialect)
        await tx.execute(update(job_rows).where(job_rows.c.id == killed.id).values(lease_until=past))
    await notice.deliver()
    assert len(channel.sent) == 3


async def test_a_slot_is_given_back_at_the_end_of_a_batch(database: Database, store_id: int) -> None:
    limits = AccountLimits("sender", concurrency=1)
    notice, channel = await make_account_notice(database, store_id, 3, LimitedChannel(limits=limits))
    channel.answer = lambda _: Rejected("no")
    await notice.deliver()
    again = await make_notice(database, await _other_store(database), 1)
    async with database.read() as tx:
        assert (await tx.execute(select(job_rows.c.id))).all() == []
    job = await again.claim(await again.add_job())
    assert await AccountGate(job, AccountKey(store_id, "recording", "sender"), limits).enter(database)


async def _other_store(database: Database) -> int:
    async with database.write() as tx:
        return await add_store(tx)


async def test_channels_without_limits_pay_one_look_for_a_window(database: Database, store_id: int) -> None:
    notice, _ = await make_account_notice(database, store_id, 8)
    with statements(database) as executed:
        await notice.deliver()
    asked = [statement for statement in executed if "channel_accounts" in statement]
    # When it enters, for its window, and for the one that is empty.
    assert len(asked) == 3
    assert all(statement.startswith("SELECT") for statement in asked)
    assert await accounts_of(database) == []


@pytest.mark.parametrize("limits", [None, AccountLimits("a", per_second=1), "nonsense"])
async def test_limits_that_are_none_are_the_channels_fault(database: Database, store_id: int, limits: object) -> None:
    class Careless(LimitedChannel):
        def account_limits(self, settings: object) -> AccountLimits:
            if limits is None:
                raise RuntimeError("boom")
            return limits  # type: ignore[return-value]

    notice, channel = await make_account_notice(database, store_id, 1, Careless(limits=LIMITS))
    if isinstance(limits, AccountLimits):
        await notice.deliver()
        assert len(channel.sent) == 1
        return
    with pytest.raises(ChannelBroken):
        await notice.deliver()
    assert channel.sent == []


async def test_a_worker_waits_a_moment_for_permits_and_then_makes_way(database: Database, store_id: int) -> None:
    limits = AccountLimits("slow", per_second=0.2)
    notice, channel = await make_account_notice(database, store_id, 3, LimitedChannel(limits=limits))
    await asyncio.wait_for(notice.deliver(), 20)
    assert len(channel.sent) == 1
    assert 1 < await wait_of_job(database) <= 5
    assert notice.source.problems == [], "to keep to a limit is no problem"
