"""Notices: a product that sends and is no campaign, with deliveries of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from muster_sdk import AddressKind
from sqlalchemy import select

from domain import jobs
from domain.campaigns.model import CampaignStatus
from domain.deliveries import batches, sender
from domain.deliveries.audience import Audience
from domain.deliveries.freeze import divide, freeze
from domain.deliveries.mailing import Mailing, MailingState
from domain.deliveries.model import AcceptMarketing, Batch, BatchKey
from domain.deliveries.tables import deliveries
from domain.extensions import NO_EXTENSIONS, Extensions
from domain.jobs import Job
from domain.kit.db import AnyRow, Database, JobNotice, Transaction
from domain.services import Services
from domain.sessions.journal import JournalDirectory
from domain.stores import queries as stores
from tests.domain.campaigns.stage import add_campaign, add_customer, add_list
from tests.factories import NOW
from tests.fakes import LocalChannel, RecordingChannel, RecordingSettings, make_services


async def nothing() -> None:
    """Before a notice's state is asked for, nothing happens."""


@dataclass
class Notices:
    """The source of one notice, whose state lives in memory."""

    mailing: Mailing | None
    current: MailingState = MailingState.OPEN
    problems: list[str | None] = field(default_factory=list[str | None])
    closed: list[UUID] = field(default_factory=list[UUID])
    corrected: list[UUID] = field(default_factory=list[UUID])
    # Done before each window.
    before_window: Callable[[], Awaitable[None]] = nothing

    async def load(self, tx: Transaction, store_id: int, mailing_id: UUID) -> Mailing | None:
        return self.mailing

    async def state(self, tx: Transaction, mailing: Mailing) -> MailingState:
        await self.before_window()
        return self.current

    async def lock(self, tx: Transaction, mailing: Mailing) -> MailingState:
        return self.current

    async def note_problem(self, tx: Transaction, mailing: Mailing, problem: str | None) -> None:
        self.problems.append(problem)

    async def note_correction(self, tx: Transaction, mailing: Mailing) -> None:
        self.corrected.append(mailing.id)

    async def close(self, tx: Transaction, mailing: Mailing, now: datetime) -> None:
        self.closed.append(mailing.id)


@dataclass
class Notice:
    """A notice to customers of a store, frozen and divided, and a worker that sends its first batch."""

    database: Database
    mailing: Mailing
    source: Notices
    channel: RecordingChannel
    journals: JournalDirectory = field(default_factory=lambda: JournalDirectory(None))
    extensions: Extensions = NO_EXTENSIONS

    @property
    def key(self) -> BatchKey:
        return BatchKey(self.mailing.id, 0)

    @property
    def services(self) -> Services:
        return make_services(
            self.database,
            LocalChannel(self.channel, RecordingSettings()),
            journals=self.journals,
            extensions=self.extensions,
        )

    async def batch(self) -> Batch:
        async with self.database.read() as tx:
            batch = await batches.by_key(tx, self.mailing.store.id, self.key)
        assert batch is not None
        return batch

    async def add_job(self) -> UUID:
        async with self.database.write() as tx:
            return await jobs.add(tx, self.mailing.store.id, "notice.deliver", {})

    async def due(self) -> list[JobNotice]:
        async with self.database.read() as tx:
            return await jobs.due(tx, 10)

    async def claim(self, job_id: UUID, lease: float = 60) -> Job:
        async with self.database.write() as tx:
            job = await jobs.claim(tx, self.mailing.store.id, job_id, "worker", lease)
        assert job is not None
        return job

    async def deliver(self, job: Job | None = None) -> None:
        job = job or await self.claim(await self.add_job())
        await sender.deliver(self.services, job, self.source, self.key)

    async def rows(self) -> dict[int, AnyRow]:
        """Each delivery's row, by customer."""
        async with self.database.read() as tx:
            rows = await tx.execute(select(deliveries).where(deliveries.c.store_id == self.mailing.store.id))
            return {row.customer_id: row for row in rows}

    async def statuses(self) -> dict[int, str]:
        return {customer_id: row.status for customer_id, row in (await self.rows()).items()}


async def make_notice(
    database: Database, store_id: int, customers: int = 3, text: str = "Hi {{ customer.name }}"
) -> Notice:
    channel = RecordingChannel()
    async with database.write() as tx:
        members = [await add_customer(tx, store_id, number) for number in range(1, customers + 1)]
        list_id = await add_list(tx, store_id, members)
        # The batches' foreign key asks for a campaign; it is a draft, which would send nothing.
        draft = await add_campaign(tx, store_id, list_id, status=CampaignStatus.DRAFT)
        store = await stores.by_id(tx, store_id)
        assert store is not None
        mailing = Mailing(store, draft.id, channel.key, {"text": text}, AcceptMarketing.ACCEPTED_ONLY)
        audience = Audience(store_id, list_id, channel.key, AddressKind.EMAIL, mailing.accept_marketing)
        assert await freeze(tx, mailing.id, audience, NOW) == customers
        await divide(tx, store_id, mailing.id)
    return Notice(database, mailing, Notices(mailing), channel)
