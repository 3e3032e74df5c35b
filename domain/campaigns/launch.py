"""A campaign is launched: its recipients are frozen and cut into batches."""

from collections.abc import Mapping
from uuid import UUID

from domain import jobs
from domain.campaigns import queries
from domain.campaigns.audience import audience_of
from domain.campaigns.mailing import DELIVER, payload
from domain.campaigns.model import CampaignStatus
from domain.customers.tables import contacts, customers
from domain.deliveries import doubts
from domain.deliveries.freeze import divide, freeze
from domain.deliveries.tables import deliveries
from domain.jobs import Job, JobKind, Queue
from domain.kit.db import Transaction
from domain.kit.db.portable import refresh_statistics
from domain.lists.tables import list_members
from domain.services import Services
from domain.stores.channels import ChannelUnavailable

_UNAVAILABLE_SECONDS = 30
_IN_DOUBT = "in_doubt"
_FORGOTTEN = "It was due when the database was restored from a backup: it may have gone out before"


async def start(tx: Transaction, store_id: int, campaign_id: UUID) -> None:
    """Have a worker launch the campaign, whose state is SENDING from this transaction on."""
    await jobs.add(tx, store_id, LAUNCH.name, {"campaign": str(campaign_id)}, queue=LAUNCH.queue)


def in_doubt(payload: Mapping[str, object]) -> dict[str, object]:
    """Return the payload of a launch that may have been done before: nothing is sent, all recipients are unknown."""
    return {**payload, _IN_DOUBT: True}


async def start_due(services: Services) -> int:
    """Start every campaign whose time has come, each once however many schedulers there are; return how many."""
    async with services.database.write() as tx:
        if await services.continuity.held(tx) is not None:
            return 0
        due = await queries.start_due(tx, services.clock())
        for campaign in due:
            await start(tx, campaign.store_id, campaign.campaign_id)
    return len(due)


async def stranded(tx: Transaction) -> list[UUID]:
    """Return the campaigns that are SENDING though no job works on them, for `muster doctor`: it never happens."""
    payloads = await jobs.payloads(tx, [LAUNCH.name, DELIVER.name])
    worked_on = {UUID(str(payload["campaign"])) for payload in payloads}
    return [campaign_id for campaign_id in await queries.sending(tx) if campaign_id not in worked_on]


async def launch(services: Services, job: Job) -> None:
    """Freeze and divide, in one transaction with the job's end: it happens once or not at all."""
    async with services.database.write() as tx:
        await refresh_statistics(tx, list_members, customers, contacts)
    async with services.database.write() as tx:
        campaign = await queries.lock(tx, job.store_id, UUID(str(job.payload["campaign"])))
        if campaign is not None and campaign.status is CampaignStatus.PAUSED:
            await jobs.release(tx, job, delay=_UNAVAILABLE_SECONDS)
            return
        if campaign is None or campaign.status is not CampaignStatus.SENDING:
            await jobs.finish(tx, job)
            return
        try:
            configured = await services.channels.find(tx, campaign.store_id, campaign.channel)
        except ChannelUnavailable as error:
            await queries.note_problem(tx, job.store_id, campaign.id, error.message)
            await jobs.release(tx, job, delay=_UNAVAILABLE_SECONDS, error=error.message)
            return
        problem: str | None = None
        if configured is None:
            problem = f"The channel {campaign.channel} is not installed"
        elif campaign.list_id is None:
            problem = "Its list was deleted"
        elif not await freeze(tx, campaign.id, audience_of(campaign, configured.channel), services.clock()):
            problem = "Nobody on its list can be reached any more"
        else:
            numbers = await divide(tx, campaign.store_id, campaign.id)
            payloads = [payload(campaign.id, number) for number in numbers]
            await queries.open_batches(tx, campaign.store_id, campaign.id, len(numbers))
            if job.payload.get(_IN_DOUBT):
                await doubts.leave_unknown(tx, await doubts.all_of(tx, campaign.store_id, campaign.id), _FORGOTTEN)
            await jobs.add_all(tx, campaign.store_id, DELIVER.name, payloads, queue=DELIVER.queue)
            await refresh_statistics(tx, deliveries)
        if problem is not None:
            await queries.fail(tx, job.store_id, campaign.id, problem, services.clock())
        await jobs.finish(tx, job)


async def give_up(tx: Transaction, services: Services, job: Job) -> None:
    """Fail the campaign, whose launch killed its workers."""
    campaign_id = UUID(str(job.payload["campaign"]))
    problem = "Its recipients could not be frozen: the workers died"
    await queries.fail(tx, job.store_id, campaign_id, problem, services.clock())


LAUNCH = JobKind("campaign.launch", Queue.LISTS, launch, give_up, sends=True)
