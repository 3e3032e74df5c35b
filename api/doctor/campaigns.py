"""Checks of campaigns, of their batches and of their deliveries."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from api.doctor.check import CheckScope, DataCheck, Examination, Rows, WrongRows
from api.doctor.findings import Finding, listed
from api.doctor.payloads import stored_jobs
from api.doctor.unreadable import readable
from domain.campaigns import launch, mailing, queries
from domain.campaigns.model import CampaignStatus
from domain.campaigns.tables import campaigns
from domain.deliveries import counts, proven
from domain.deliveries.model import DeliveryStatus
from domain.deliveries.tables import deliveries, delivery_batches
from domain.jobs.model import LEASE_SECONDS, JobStatus
from domain.kit.db import Transaction
from domain.kit.db.portable import database_later, database_now
from domain.lists.tables import list_members, lists

_campaign, _delivery, _batch = campaigns.c, deliveries.c, delivery_batches.c
_LATE = timedelta(minutes=15)
_OPEN = (DeliveryStatus.PENDING.value, DeliveryStatus.SENDING.value)
_WENT_OUT = (DeliveryStatus.SENT.value, DeliveryStatus.DELIVERED.value)
_UNDER_WAY = (CampaignStatus.SENDING.value, CampaignStatus.PAUSED.value)
_LEASES_LATE = 3


async def find_stranded(tx: Transaction, _: CheckScope) -> Sequence[Finding]:
    names = [str(campaign_id) for campaign_id in await launch.stranded(tx)]
    return listed("are SENDING without a job", names)


async def find_unreadable(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return the campaigns that no request can show."""
    unreadable: list[str] = []
    of_store = select(_campaign.id).where(_campaign.store_id == scope.store_id)
    ids = (await tx.execute(of_store)).scalars().all()
    async for _ in readable(ids, partial(queries.by_ids, tx, scope.store_id), unreadable):
        pass
    return listed("campaigns cannot be read", unreadable, scope.store_id)


async def find_wrong_open_batches(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return the campaigns whose open batches are not as many as the jobs that send one."""
    open_jobs: Counter[UUID | None] = Counter()
    async for job in stored_jobs(tx, scope.store_id, [mailing.DELIVER.name]):
        if job.status != JobStatus.FAILED.value:
            open_jobs[job.subject("campaign")] += 1
    rows = await tx.execute(select(_campaign.id, _campaign.open_batches).where(_campaign.store_id == scope.store_id))
    wrong = [
        f"id={row.id} says {row.open_batches}, has {open_jobs[row.id]}"
        for row in rows
        if row.open_batches != open_jobs[row.id]
    ]
    return listed("campaigns have another number of open batches than of jobs", wrong, scope.store_id)


def _never_started(scope: CheckScope) -> Rows:
    is_scheduled = _campaign.status == CampaignStatus.SCHEDULED.value
    is_late = or_(_campaign.scheduled_at.is_(None), _campaign.scheduled_at < scope.now - _LATE)
    return select(_campaign.id, _campaign.scheduled_at).where(
        _campaign.store_id == scope.store_id, is_scheduled, is_late
    )


def _without_times(scope: CheckScope) -> Rows:
    started = _campaign.status.in_([*_UNDER_WAY, CampaignStatus.SENT.value])
    is_wrong = or_(
        and_(started, _campaign.started_at.is_(None)),
        and_(_campaign.status == CampaignStatus.SENT.value, _campaign.finished_at.is_(None)),
    )
    return select(_campaign.id, _campaign.status).where(_campaign.store_id == scope.store_id, is_wrong)


def _to_nobody(scope: CheckScope) -> Rows:
    of_store = _campaign.store_id == scope.store_id
    is_scheduled = _campaign.status == CampaignStatus.SCHEDULED.value
    has_list = select(lists.c.id).where(lists.c.store_id == scope.store_id, lists.c.id == _campaign.list_id).exists()
    on_list = (list_members.c.store_id == scope.store_id, list_members.c.list_id == _campaign.list_id)
    has_members = select(list_members.c.customer_id).where(*on_list).exists()
    return select(_campaign.id, _campaign.list_id).where(of_store, is_scheduled, ~has_list, ~has_members)


def _outside_batches(scope: CheckScope) -> Rows:
    frozen = (
        select(_delivery.campaign_id, func.count().label("deliveries"))
        .where(_delivery.store_id == scope.store_id)
        .group_by(_delivery.campaign_id)
        .subquery("frozen")
    )
    divided = (
        select(_batch.campaign_id, func.sum(_batch.recipients).label("recipients"))
        .where(_batch.store_id == scope.store_id)
        .group_by(_batch.campaign_id)
        .subquery("divided")
    )
    same = frozen.c.campaign_id == divided.c.campaign_id
    differs = or_(divided.c.recipients.is_(None), divided.c.recipients != frozen.c.deliveries)
    return (
        select(frozen.c.campaign_id, frozen.c.deliveries, divided.c.recipients)
        .select_from(frozen.outerjoin(divided, same))
        .where(differs)
    )


def _open_though_ended(scope: CheckScope) -> Rows:
    same = and_(_campaign.store_id == _delivery.store_id, _campaign.id == _delivery.campaign_id)
    is_wrong = and_(_delivery.status.in_(_OPEN), _campaign.status == CampaignStatus.SENT.value)
    keys = (_delivery.campaign_id, _delivery.customer_id, _delivery.status)
    return select(*keys).join(campaigns, same).where(_delivery.store_id == scope.store_id, is_wrong)


def _without_outcome(scope: CheckScope) -> Rows:
    is_wrong = and_(_delivery.status.in_(_WENT_OUT), or_(_delivery.sent_at.is_(None), _delivery.attempts < 1))
    keys = (_delivery.campaign_id, _delivery.customer_id)
    return select(*keys).where(_delivery.store_id == scope.store_id, is_wrong)


def _without_address(scope: CheckScope) -> Rows:
    keys = (_delivery.campaign_id, _delivery.customer_id)
    return select(*keys).where(_delivery.store_id == scope.store_id, func.trim(_delivery.address) == "")


async def find_stuck(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return batches with deliveries that are SENDING since three leases, though no worker has the batch (I4)."""
    now = await tx.scalar(select(database_now(tx.dialect)))
    held: set[tuple[UUID | None, int | None]] = set()
    async for job in stored_jobs(tx, scope.store_id, [mailing.DELIVER.name]):
        if job.status == JobStatus.RUNNING.value and job.lease_until is not None and job.lease_until > now:
            held.add((job.subject("campaign"), job.number("batch")))
    is_old = _delivery.updated_at < database_later(-_LEASES_LATE * LEASE_SECONDS, tx.dialect)
    within = and_(
        _batch.store_id == scope.store_id,
        _batch.campaign_id == _delivery.campaign_id,
        _delivery.customer_id.between(_batch.first_customer_id, _batch.last_customer_id),
    )
    rows = await tx.execute(
        select(_delivery.campaign_id, _batch.number, func.min(_delivery.customer_id).label("customer_id"))
        .select_from(deliveries.outerjoin(delivery_batches, within))
        .where(_delivery.store_id == scope.store_id, _delivery.status == DeliveryStatus.SENDING.value, is_old)
        .group_by(_delivery.campaign_id, _batch.number)
    )
    stuck = [
        f"campaign_id={row.campaign_id} batch={row.number} from customer_id={row.customer_id}"
        for row in rows
        if (row.campaign_id, row.number) not in held
    ]
    return listed("batches have been SENDING for three leases without a worker", stuck, scope.store_id)


DATA_CHECKS = (
    DataCheck(
        "campaigns",
        "every campaign that is SENDING has a job",
        "set its status to DRAFT, and send it again when nothing of it went out",
        [Examination(find_stranded, [campaigns])],
    ),
    DataCheck(
        "campaign rows",
        "campaigns can be read, and start when they should",
        "is `muster work` running? Else correct the row that is named",
        [
            Examination(find_unreadable, [campaigns]),
            Examination(find_wrong_open_batches, [campaigns]),
            WrongRows("campaigns that should have started, or have no time to", _never_started),
            WrongRows("campaigns without the time at which they started or ended", _without_times),
            WrongRows("scheduled campaigns whose list is gone with all its members", _to_nobody),
        ],
        each_store=True,
    ),
    DataCheck(
        "batches",
        "the counts of batches are those of their deliveries",
        "correct the batch by its deliveries; the campaign's figures follow",
        [
            WrongRows(
                "batches count other states than their deliveries have",
                lambda scope: counts.miscounted(scope.store_id),
            ),
            WrongRows("campaigns with another number of deliveries than their batches", _outside_batches),
        ],
        each_store=True,
    ),
    DataCheck(
        "deliveries",
        "deliveries have ended with their campaigns, and say how",
        "a delivery that may have gone out is UNKNOWN: set it so, never back to PENDING",
        [
            WrongRows("deliveries are open though their campaign was sent", _open_though_ended),
            WrongRows("deliveries are sent without an attempt or a time", _without_outcome),
            WrongRows("deliveries have no address", _without_address),
            WrongRows(
                "deliveries are in another state than their receipts prove",
                lambda scope: proven.contradicted(scope.store_id),
            ),
            Examination(find_stuck, [deliveries]),
        ],
        each_store=True,
    ),
)
