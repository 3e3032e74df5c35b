"""After a backup was restored: what may have gone out since is left unknown, and nothing of it is sent again.

The database does not know what was sent since the backup. Journals know the last minutes of their machine. Of all else
that was under way or due, anything may have gone out, up to all of it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from domain import jobs
from domain.campaigns import launch, queries
from domain.campaigns.mailing import CampaignMailings
from domain.campaigns.queries import StartedCampaign
from domain.deliveries import doubts, settlement
from domain.installation import queries as installation
from domain.installation.model import WrongSecretKey
from domain.kit.db import Transaction
from domain.services import Services
from domain.sessions.continuity import HELD

REASON = "The database was restored from a backup: it may have gone out since"
OnResumed = Callable[[Transaction, Mapping[int, int]], Awaitable[None]]
# Batches whose deliveries are marked in one transaction.
_PORTION = 20
# The marker may have been written that long after the look that it holds.
_MARKER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Marked:
    """The numbers of campaigns that were under way or due, and of their deliveries."""

    campaigns: int
    # Whose deliveries are all unknown, as soon as a worker has frozen them.
    launches: int
    unknown: int
    # Deliveries that journals knew of.
    told: int


async def keep_life(services: Services) -> str | None:
    """Let the database live on. Where it is not the one that is known, pause campaigns, and return why."""
    try:
        await services.keys.load(services.database)
    except WrongSecretKey as error:
        return error.message
    if not services.continuity.compared:
        if await _is_behind_journals(services):
            async with services.database.write() as tx:
                await installation.begin_unknown_epoch(tx)
        services.continuity.compared = True
    problem = await services.continuity.beat(services.database)
    if problem is not None and problem in HELD.values():
        async with services.database.write() as tx:
            if await services.continuity.held_everywhere(tx) is not None:
                await queries.pause_all(tx, problem)
    return problem


async def _is_behind_journals(services: Services) -> bool:
    """Return whether this machine has sent what the database knows nothing of, since the marker was last written.

    For what was sent before, the marker answers.
    """
    async with services.database.read() as tx:
        life = await installation.life(tx)
        if services.continuity.suspends(None if life is None else life.timeline):
            # A standby was promoted: `check_continuity` puts on record what it has lost.
            return False
        since = await services.continuity.marker.written_at() - _MARKER_SECONDS
        for claim, told in services.journals.all(since):
            if await settlement.is_forgotten(tx, CampaignMailings(), claim, told):
                return True
    return False


async def leave_unknown(services: Services) -> Marked:
    """Have everybody stop, and mark as UNKNOWN what may have gone out since the backup.

    Interrupted, it is done by calling it again; then `follow` has everybody go on.
    """
    async with services.database.write() as tx:
        await installation.begin_unknown_epoch(tx)
    told = 0
    for claim, evidence in services.journals.all():
        # A provider may have forgotten the keys of messages that were sent so long ago.
        told += await settlement.restore(services, CampaignMailings(), claim, evidence, again=False)
    launches = await _doubt_launches(services)
    async with services.database.read() as tx:
        under_way = await queries.under_way(tx)
    unknown = 0
    for campaign in under_way:
        unknown += await _leave_unknown(services, campaign)
    return Marked(len(under_way), launches, unknown, told)


async def follow(services: Services, record: OnResumed | None = None) -> int:
    """Take the database as it is for the one to go on with, and return how many campaigns go on.

    `record` is called in that transaction with their numbers by store.
    """
    marker = services.continuity.marker
    known = await marker.read()
    async with services.database.write() as tx:
        life = await installation.life(tx)
        assert life is not None, "the lasting keys are loaded first"
        await installation.begin_epoch(tx, life.epoch if known is None else known.epoch)
        resumed = await queries.resume_all(tx)
        if record is not None:
            await record(tx, resumed)
    async with services.database.read() as tx:
        life = await installation.life(tx)
    assert life is not None
    await marker.write(life)
    return sum(resumed.values())


async def _doubt_launches(services: Services) -> int:
    """Have all campaigns that were due be frozen and not be sent, and return how many these are."""
    async with services.database.write() as tx:
        for campaign in await queries.start_due(tx, services.clock()):
            await launch.start(tx, campaign.store_id, campaign.campaign_id)
        waiting = await jobs.open_of_kind(tx, launch.LAUNCH.name)
        for job in waiting:
            await jobs.replace_payload(tx, job.store_id, job.job_id, launch.in_doubt(job.payload))
    return len(waiting)


async def _leave_unknown(services: Services, campaign: StartedCampaign) -> int:
    async with services.database.read() as tx:
        ranges = await doubts.all_of(tx, campaign.store_id, campaign.campaign_id)
    unknown = 0
    for begin in range(0, len(ranges), _PORTION):
        async with services.database.write() as tx:
            unknown += await doubts.leave_unknown(tx, ranges[begin : begin + _PORTION], REASON)
    return unknown
