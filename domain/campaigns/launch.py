"""How a campaign sets out: its recipients are frozen and cut into batches."""

from datetime import datetime
from uuid import UUID

from domain import jobs
from domain.campaigns import queries
from domain.campaigns.audience import audience_of
from domain.campaigns.model import Campaign, CampaignStatus
from domain.customers.tables import contacts, customers
from domain.deliveries.channels import ChannelUnavailable, Office
from domain.deliveries.freeze import divide, freeze
from domain.deliveries.tables import deliveries
from domain.jobs import Job, Queue
from domain.kit.db import Transaction
from domain.kit.db.portable import refresh_statistics
from domain.lists.tables import list_members

LAUNCH = "campaign.launch"
DELIVER = "campaign.deliver"
_UNAVAILABLE_SECONDS = 30


async def start(tx: Transaction, store_id: int, campaign_id: UUID) -> None:
    """Have a worker launch the campaign, whose state is SENDING from this transaction on."""
    await jobs.add(tx, store_id, LAUNCH, {"campaign": str(campaign_id)}, queue=Queue.LISTS)


async def start_due(office: Office) -> int:
    """Start every campaign whose time has come, each once however many schedulers there are; how many."""
    async with office.database.write() as tx:
        due = await queries.start_due(tx, office.clock())
        for store_id, campaign_id in due:
            await start(tx, store_id, campaign_id)
    return len(due)


async def launch(office: Office, job: Job) -> None:
    """Freeze and divide, in one transaction with the job's end: it happens once or not at all."""
    async with office.database.write() as tx:
        await refresh_statistics(tx, list_members, customers, contacts)
    async with office.database.write() as tx:
        await _launch(tx, office, job)
    async with office.database.write() as tx:
        await refresh_statistics(tx, deliveries)


async def stranded(tx: Transaction) -> list[UUID]:
    """Campaigns that are SENDING though no job works on them: it never happens, and `muster doctor` looks."""
    payloads = await jobs.payloads(tx, [LAUNCH, DELIVER])
    worked_on = {UUID(str(payload["campaign"])) for payload in payloads}
    return [campaign_id for campaign_id in await queries.sending(tx) if campaign_id not in worked_on]


async def _launch(tx: Transaction, office: Office, job: Job) -> None:
    campaign = await queries.lock(tx, job.store_id, UUID(str(job.payload["campaign"])))
    if campaign is None or campaign.status is not CampaignStatus.SENDING:
        await jobs.finish(tx, job)
        return
    try:
        problem = await _set_out(tx, office, campaign)
    except ChannelUnavailable as error:
        await queries.note_problem(tx, job.store_id, campaign.id, str(error))
        await jobs.release(tx, job, delay=_UNAVAILABLE_SECONDS, error=str(error))
        return
    if problem is not None:
        failed = {"problem": problem, "finished_at": office.clock()}
        await queries.set_status(tx, job.store_id, campaign.id, CampaignStatus.FAILED, **failed)
    await jobs.finish(tx, job)


async def give_up(tx: Transaction, job: Job, now: datetime) -> None:
    campaign_id = UUID(str(job.payload["campaign"]))
    await queries.set_status(
        tx,
        job.store_id,
        campaign_id,
        CampaignStatus.FAILED,
        problem="its recipients could not be frozen: the workers died",
        finished_at=now,
    )


async def _set_out(tx: Transaction, office: Office, campaign: Campaign) -> str | None:
    """Why the campaign cannot go, or None when its batches are on their way."""
    configured = await office.find_channel(tx, campaign.store_id, campaign.channel)
    if configured is None:
        return f"the channel {campaign.channel} is not installed"
    if campaign.list_id is None:
        return "its list was deleted"
    if not await freeze(tx, campaign.id, audience_of(campaign, configured.channel), office.clock()):
        return "nobody on its list can be reached any more"
    numbers = await divide(tx, campaign.store_id, campaign.id)
    payloads = [{"campaign": str(campaign.id), "batch": number} for number in numbers]
    await jobs.add_all(tx, campaign.store_id, DELIVER, payloads, queue=Queue.DELIVERIES)
    return None
