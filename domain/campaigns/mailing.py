"""Campaigns as the sender sees them."""

from datetime import datetime
from uuid import UUID

from domain.campaigns import queries
from domain.campaigns.model import CampaignStatus
from domain.deliveries import sender, settlement
from domain.deliveries.mailing import Mailing, MailingState
from domain.deliveries.model import BatchKey
from domain.jobs import Job, JobKind, Queue
from domain.kit.db import Transaction
from domain.services import Services
from domain.sessions.continuity import timeline_of
from domain.stores import queries as stores

_WENT_BACK = (
    "The database has lost what it had committed: an asynchronous standby was promoted. What workers had sent is on "
    "record again. Let the machines of all workers return, then run `muster resume`"
)
_STATES = {CampaignStatus.SENDING: MailingState.OPEN, CampaignStatus.PAUSED: MailingState.PAUSED}


class CampaignMailings:
    """The source of campaigns' mailings."""

    async def load(self, tx: Transaction, store_id: int, mailing_id: UUID) -> Mailing | None:
        store = await stores.by_id(tx, store_id)
        campaign = await queries.by_id(tx, store_id, mailing_id)
        if store is None or campaign is None:
            return None
        return Mailing(
            store, campaign.id, campaign.channel, campaign.content, campaign.accept_marketing, campaign.problem
        )

    async def state(self, tx: Transaction, mailing: Mailing) -> MailingState:
        return _state(await queries.status_of(tx, mailing.store.id, mailing.id))

    async def lock(self, tx: Transaction, mailing: Mailing) -> MailingState:
        campaign = await queries.lock(tx, mailing.store.id, mailing.id)
        return _state(None if campaign is None else campaign.status)

    async def note_problem(self, tx: Transaction, mailing: Mailing, problem: str | None) -> None:
        await queries.note_problem(tx, mailing.store.id, mailing.id, problem)

    async def close(self, tx: Transaction, mailing: Mailing, now: datetime) -> None:
        await queries.close_batch(tx, mailing.store.id, mailing.id, now)

    async def note_correction(self, tx: Transaction, mailing: Mailing) -> None:
        await queries.summarize(tx, mailing.store.id, mailing.id)


def _state(status: CampaignStatus | None) -> MailingState:
    return MailingState.CLOSED if status is None else _STATES.get(status, MailingState.CLOSED)


def payload(campaign_id: UUID, number: int) -> dict[str, object]:
    """Return the payload of the job that sends a batch."""
    return {"campaign": str(campaign_id), "batch": number}


def batch_key(job: Job) -> BatchKey:
    """Return the batch that the job sends."""
    return BatchKey(UUID(str(job.payload["campaign"])), int(str(job.payload["batch"])))


async def deliver(services: Services, job: Job) -> None:
    """Send a batch of a campaign."""
    await sender.deliver(services, job, CampaignMailings(), batch_key(job))


async def recover_journals(services: Services) -> int:
    """Settle what dead processes of this machine were sending, and return how many claims that were."""
    claims = list(services.journals.abandoned())
    for claim in claims:
        await settlement.recover(services, CampaignMailings(), claim)
    return len(claims)


async def check_continuity(services: Services) -> int:
    """Compare this machine's journals with a database that was promoted; return how many deliveries it had lost.

    A database that went back has lost more than that, opt-outs perhaps: whatever is being sent is paused.
    """
    async with services.database.read() as tx:
        timeline = await timeline_of(tx)
    if timeline is None or services.continuity.is_compared(timeline):
        if timeline is not None:
            services.continuity.remember(timeline)
        return 0
    restored = 0
    for claim, told in services.journals.all():
        restored += await settlement.restore(services, CampaignMailings(), claim, told)
    if restored:
        async with services.database.write() as tx:
            await queries.pause_all(tx, _WENT_BACK)
    services.continuity.remember(timeline)
    return restored


async def give_up(tx: Transaction, services: Services, job: Job) -> None:
    """Resolve a batch of a campaign whose workers died again and again."""
    await sender.give_up(tx, services, job, CampaignMailings(), batch_key(job))


DELIVER = JobKind("campaign.deliver", Queue.DELIVERIES, deliver, give_up, time_limit=3600, sends=True)
