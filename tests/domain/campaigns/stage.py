"""A store with customers on a list and a campaign to them, and a worker of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from domain import jobs
from domain.campaigns import launch, mailing
from domain.campaigns import queries as campaigns
from domain.campaigns.model import Campaign, CampaignStatus, Utm
from domain.customers.tables import contacts, customers
from domain.deliveries import pace
from domain.deliveries import queries as delivery_queries
from domain.deliveries.model import AcceptMarketing, Stats
from domain.deliveries.tables import deliveries
from domain.jobs import Queue
from domain.jobs.tables import jobs as job_rows
from domain.kit import ids
from domain.kit.db import Database, JobNotice, Transaction
from domain.kit.db.portable import database_later
from domain.lists.tables import list_members, lists
from domain.segments.tables import segments
from domain.services import Services
from domain.sessions.journal import JournalDirectory
from tests.factories import NOW
from tests.fakes import LocalChannel, RecordingChannel, RecordingSettings, make_services

HANDLERS = {kind.name: kind.run for kind in (launch.LAUNCH, mailing.DELIVER)}


async def add_customer(tx: Transaction, store_id: int, number: int, **values: object) -> int:
    """A customer who accepts e-mail; `consent` None leaves out the contact."""
    consent = values.pop("consent", "SUBSCRIBED")
    invalid = values.pop("invalid", False)
    row: dict[str, object] = {
        "store_id": store_id,
        "id": number,
        "name": f"Customer {number}",
        "email": f"c{number}@shop.example",
        "email_verified": False,
        "phone_verified": False,
        "member": False,
        "blacklisted": False,
        "created_at": NOW,
        "updated_at": NOW,
    }
    await tx.execute(insert(customers).values(row | values))
    if consent is not None:
        await tx.execute(
            insert(contacts).values(
                store_id=store_id, customer_id=number, channel="recording", consent=consent, invalid=invalid
            )
        )
    return number


async def add_list(tx: Transaction, store_id: int, members: list[int]) -> UUID:
    segment_id, list_id = ids.new(), ids.new()
    await tx.execute(
        insert(segments).values(
            store_id=store_id,
            id=segment_id,
            name=f"Segment {segment_id.hex[-12:]}",
            list_name="G",
            kind="DYNAMIC",
            active=True,
            update_mode="MANUAL",
            started_on=NOW.date(),
            created_at=NOW,
            updated_at=NOW,
        )
    )
    await tx.execute(
        insert(lists).values(
            store_id=store_id,
            id=list_id,
            segment_id=segment_id,
            name="G",
            number=1,
            status="READY",
            count=len(members),
            created_at=NOW,
            expires_at=NOW,
        )
    )
    rows = [{"store_id": store_id, "list_id": list_id, "customer_id": member} for member in members]
    if rows:
        await tx.execute(insert(list_members), rows)
    return list_id


async def add_campaign(tx: Transaction, store_id: int, list_id: UUID, **values: object) -> Campaign:
    fields: dict[str, object] = {
        "store_id": store_id,
        "id": ids.new(),
        "name": "July",
        "channel": "recording",
        "status": CampaignStatus.SENDING,
        "list_id": list_id,
        "target_name": "G",
        "exclude": (),
        "accept_marketing": AcceptMarketing.ACCEPTED_ONLY,
        "content": {"text": "Hi {{ customer.name }}"},
        "utm": Utm(),
        "created_at": NOW,
        "scheduled_at": None,
        "started_at": NOW,
        "finished_at": None,
        "problem": None,
    }
    campaign = Campaign(**(fields | values))  # type: ignore[arg-type]  # the keyword overrides of a test
    await campaigns.add(tx, campaign)
    return campaign


@dataclass
class Worker:
    """Runs what is due, as a worker process would, one job after another."""

    database: Database
    channel: RecordingChannel
    sandbox: bool = False
    journals: JournalDirectory = field(default_factory=lambda: JournalDirectory(None))

    @property
    def services(self) -> Services:
        settings = None if self.sandbox else RecordingSettings()
        return make_services(self.database, LocalChannel(self.channel, settings), journals=self.journals)

    async def launch(self, store_id: int, campaign_id: UUID) -> None:
        async with self.database.write() as tx:
            await launch.start(tx, store_id, campaign_id)
        await self.work()

    async def work(self) -> None:
        while due := await self.due():
            for notice in due:
                await self.run(notice.store_id, notice.job_id)

    async def due(self) -> list[JobNotice]:
        async with self.database.read() as tx:
            return await jobs.due(tx, 100)

    async def run(self, store_id: int, job_id: UUID, lease: float = 60) -> None:
        async with self.database.write() as tx:
            job = await jobs.claim(tx, store_id, job_id, "worker", lease)
        if job is not None:
            await HANDLERS[job.kind](self.services, job)


async def outcomes(database: Database, store_id: int) -> Mapping[int, tuple[str, str | None]]:
    """Return each delivery's status and error, by customer."""
    async with database.read() as tx:
        rows = await tx.execute(
            select(deliveries.c.customer_id, deliveries.c.status, deliveries.c.error).where(
                deliveries.c.store_id == store_id
            )
        )
        return {customer_id: (status, error) for customer_id, status, error in rows}


async def open_jobs(database: Database, queue: Queue = Queue.DELIVERIES) -> int:
    async with database.read() as tx:
        return len((await tx.execute(select(job_rows.c.id).where(job_rows.c.queue == queue.value))).all())


async def make_campaign(database: Database, store_id: int, count: int = 3, **values: object) -> Campaign:
    async with database.write() as tx:
        members = [await add_customer(tx, store_id, number) for number in range(1, count + 1)]
        return await add_campaign(tx, store_id, await add_list(tx, store_id, members), **values)


async def reload(database: Database, campaign: Campaign) -> Campaign:
    async with database.read() as tx:
        reloaded = await campaigns.by_id(tx, campaign.store_id, campaign.id)
    assert reloaded is not None
    return reloaded


async def stats_of(database: Database, campaign: Campaign) -> Stats:
    async with database.read() as tx:
        return (await delivery_queries.stats_of(tx, campaign.store_id, [campaign.id]))[campaign.id]


async def make_due(database: Database) -> None:
    """Let every wait be over: leases too, as if their workers had died."""
    async with database.write() as tx:
        past = database_later(-1, tx.dialect)
        await tx.execute(update(job_rows).values(due_at=past, lease_until=past))
        await tx.execute(update(deliveries).values(not_before=None))


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours may catch it."""


def fix_windows(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Have every window hold so many messages, whatever the channel's pace."""
    for name in ("_FIRST", "_FEWEST"):
        monkeypatch.setattr(pace, name, size)
    monkeypatch.setattr(pace, "_GROWTH", 1)
