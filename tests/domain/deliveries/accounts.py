"""A provider with accounts, and workers with connections of their own that send notices through it."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

from muster_sdk import AccountLimits, Capabilities, Message, Report
from pydantic import BaseModel
from sqlalchemy import select, update

from domain import jobs
from domain.accounts.tables import channel_accounts
from domain.deliveries import sender
from domain.deliveries.model import BatchKey
from domain.deliveries.tables import delivery_batches
from domain.kit.db import AnyRow, Database
from domain.kit.db.portable import database_later
from tests.domain.deliveries.stage import Notice
from tests.fakes import LocalChannel, RecordingChannel, RecordingSettings, make_services


@dataclass
class AccountChannel(RecordingChannel):
    """Sends one message after the other, each of which takes `seconds`, and counts as a provider does."""

    seconds: float = 0
    # When each message arrived, in seconds of `monotonic()`.
    arrivals: list[float] = field(default_factory=list[float])
    under_way: int = 0
    most_under_way: int = 0

    async def send(self, messages: Sequence[Message], report: Report) -> None:
        self.under_way += 1
        self.most_under_way = max(self.under_way, self.most_under_way)
        try:
            for message in messages:
                if not report.begin(message):
                    return
                self.arrivals.append(monotonic())
                await asyncio.sleep(self.seconds)
                self.sent.append(message)
                report.end(message, self.answer(message))
        finally:
            self.under_way -= 1

    def most_in(self, seconds: float) -> int:
        """Return the most messages that arrived within so many seconds."""
        return max(sum(begin <= moment < begin + seconds for moment in self.arrivals) for begin in self.arrivals)


@dataclass
class LimitedChannel(AccountChannel):
    """Says the limits of its account."""

    limits: AccountLimits = field(default_factory=lambda: AccountLimits("account"))
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(account_limits=True))

    def account_limits(self, settings: BaseModel) -> AccountLimits:
        return self.limits


@dataclass
class Crew:
    """Workers, and the notices whose batches they send."""

    notices: Sequence[Notice]
    jobs: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def add_jobs(self, database: Database) -> None:
        """Add a job for each batch."""
        for notice in self.notices:
            async with database.write() as tx:
                is_its = delivery_batches.c.campaign_id == notice.mailing.id
                numbers = (await tx.execute(select(delivery_batches.c.number).where(is_its))).scalars()
                payloads = [{"notice": notice.mailing.id.hex, "batch": number} for number in numbers]
                await jobs.add_all(tx, notice.mailing.store.id, "notice.deliver", payloads)

    async def work(self, url: str) -> None:
        """Send batch after batch, as one worker does."""
        database = Database(url, pool_size=2)
        by_id = {notice.mailing.id.hex: notice for notice in self.notices}
        try:
            while True:
                async with database.read() as tx:
                    due = await jobs.due(tx, 20)
                if not due:
                    await asyncio.sleep(0.05)
                    continue
                chosen = random.choice(due)
                async with database.write() as tx:
                    job = await jobs.claim(tx, chosen.store_id, chosen.job_id, "worker")
                if job is not None:
                    notice = by_id[str(job.payload["notice"])]
                    services = make_services(database, LocalChannel(notice.channel, RecordingSettings()))
                    key = BatchKey(notice.mailing.id, int(str(job.payload["batch"])))
                    await sender.deliver(services, job, notice.source, key)
        finally:
            await database.close()


@asynccontextmanager
async def working(url: str, notices: Sequence[Notice], workers: int = 8) -> AsyncGenerator[Crew]:
    crew = Crew(notices)
    await crew.add_jobs(notices[0].database)
    tasks = [asyncio.create_task(crew.work(url)) for _ in range(workers)]
    try:
        yield crew
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def until_sent(notice: Notice, seconds: float = 60) -> None:
    deadline = monotonic() + seconds
    while set((await notice.statuses()).values()) != {"SENT"}:
        assert monotonic() < deadline, await notice.statuses()
        await asyncio.sleep(0.1)


async def accounts_of(database: Database) -> list[AnyRow]:
    async with database.read() as tx:
        return list((await tx.execute(select(channel_accounts))).all())


async def end_wait(database: Database) -> None:
    """Let the time pass for which accounts were refused."""
    async with database.write() as tx:
        await tx.execute(update(channel_accounts).values(refused_until=database_later(-1, tx.dialect)))
