"""Every statement on campaigns."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, insert, select, update

from domain.campaigns.model import Campaign, CampaignStatus, Utm
from domain.campaigns.tables import campaigns
from domain.deliveries.model import COUNTS, AcceptMarketing
from domain.deliveries.tables import delivery_batches
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import ParentFilter
from domain.lists.tables import lists

_COLUMNS = (
    campaigns.c.store_id,
    campaigns.c.id,
    campaigns.c.name,
    campaigns.c.channel,
    campaigns.c.status,
    campaigns.c.list_id,
    campaigns.c.target_name,
    campaigns.c.exclude,
    campaigns.c.accept_marketing,
    campaigns.c.content,
    campaigns.c.utm,
    campaigns.c.created_at,
    campaigns.c.scheduled_at,
    campaigns.c.started_at,
    campaigns.c.finished_at,
    campaigns.c.problem,
)


async def add(tx: Transaction, campaign: Campaign) -> None:
    await tx.execute(insert(campaigns).values(store_id=campaign.store_id, id=campaign.id, **_values(campaign)))


async def replace(tx: Transaction, campaign: Campaign) -> None:
    await tx.execute(update(campaigns).where(*_is(campaign.store_id, campaign.id)).values(_values(campaign)))


async def by_ids(tx: Transaction, store_id: int, wanted: Sequence[UUID]) -> list[Campaign]:
    rows = await tx.execute(select(*_COLUMNS).where(campaigns.c.store_id == store_id, campaigns.c.id.in_(wanted)))
    return [campaign(row) for row in rows]


async def by_id(tx: Transaction, store_id: int, campaign_id: UUID) -> Campaign | None:
    return next(iter(await by_ids(tx, store_id, [campaign_id])), None)


_STATUS = select(campaigns.c.status).where(
    campaigns.c.store_id == bindparam("store"), campaigns.c.id == bindparam("campaign")
)


async def status_of(tx: Transaction, store_id: int, campaign_id: UUID) -> CampaignStatus | None:
    found: str | None = await tx.scalar(_STATUS, {"store": store_id, "campaign": campaign_id})
    return None if found is None else CampaignStatus(found)


async def lock(tx: Transaction, store_id: int, campaign_id: UUID, *, shared: bool = False) -> Campaign | None:
    """The campaign, its state held still until the transaction ends."""
    statement = select(*_COLUMNS).where(*_is(store_id, campaign_id)).with_for_update(read=shared)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else campaign(row)


async def set_status(
    tx: Transaction, store_id: int, campaign_id: UUID, status: CampaignStatus, **values: object
) -> None:
    await tx.execute(update(campaigns).where(*_is(store_id, campaign_id)).values(status=status.value, **values))


async def note_problem(tx: Transaction, store_id: int, campaign_id: UUID, problem: str | None) -> None:
    await tx.execute(update(campaigns).where(*_is(store_id, campaign_id)).values(problem=problem))


async def start_due(tx: Transaction, now: datetime) -> list[tuple[int, UUID]]:
    """Start every scheduled campaign whose time has come; each is returned to one caller only."""
    rows = await tx.execute(
        update(campaigns)
        .where(campaigns.c.status == CampaignStatus.SCHEDULED.value, campaigns.c.scheduled_at <= now)
        .values(status=CampaignStatus.SENDING.value, started_at=now)
        .returning(campaigns.c.store_id, campaigns.c.id)
    )
    return [(store_id, campaign_id) for store_id, campaign_id in rows]


async def wanted_lists(tx: Transaction, store_id: int) -> set[UUID]:
    """The lists of campaigns that are to set out or on their way, gone or not; those left out by them too."""
    underway = [status.value for status in CampaignStatus if status is not CampaignStatus.DRAFT and not status.ended]
    owned = (campaigns.c.store_id == store_id, campaigns.c.status.in_(underway))
    found: set[UUID] = set()
    for row in await tx.execute(select(campaigns.c.list_id, campaigns.c.exclude).where(*owned)):
        found.update(UUID(each) for each in row.exclude)
        if row.list_id is not None:
            found.add(row.list_id)
    return found


async def sending(tx: Transaction) -> list[UUID]:
    """The campaigns of all stores that are on their way."""
    rows = await tx.execute(select(campaigns.c.id).where(campaigns.c.status == CampaignStatus.SENDING.value))
    return list(rows.scalars())


async def complete(tx: Transaction, store_id: int, campaign_id: UUID, now: datetime) -> bool:
    """End the campaign when none of its deliveries is open any more. Its row must be locked."""
    still_open = exists().where(
        delivery_batches.c.store_id == store_id,
        delivery_batches.c.campaign_id == campaign_id,
        delivery_batches.c.pending > 0,
    )
    changed = await tx.execute(
        update(campaigns)
        .where(*_is(store_id, campaign_id), campaigns.c.status == CampaignStatus.SENDING.value, ~still_open)
        .values(status=CampaignStatus.SENT.value, finished_at=now, problem=None)
    )
    return bool(changed.rowcount)


def page(
    store_id: int, channel: str | None, statuses: Sequence[CampaignStatus] | None, search: str | None
) -> Select[*tuple[Any, ...]]:
    """The store's campaigns, for a page of them; `campaigns.id` orders them by age."""
    statement = select(*_COLUMNS).where(campaigns.c.store_id == store_id)
    if channel is not None:
        statement = statement.where(campaigns.c.channel == channel)
    if statuses is not None:
        statement = statement.where(campaigns.c.status.in_([status.value for status in statuses]))
    if search:
        statement = statement.where(campaigns.c.name.icontains(search, autoescape=True))
    return statement


def of_lists(store_id: int, whose: ParentFilter) -> Select[*tuple[Any, ...]]:
    """The campaigns to lists; `parent` is the list."""
    found = select(*_COLUMNS, campaigns.c.list_id.label("parent"))
    return found.where(campaigns.c.store_id == store_id, whose(campaigns.c.list_id))


def of_segments(store_id: int, whose: ParentFilter) -> Select[*tuple[Any, ...]]:
    """The campaigns to segments' lists; `parent` is the segment."""
    locked = and_(lists.c.store_id == campaigns.c.store_id, lists.c.id == campaigns.c.list_id)
    found = select(*_COLUMNS, lists.c.segment_id.label("parent")).join(lists, locked)
    return found.where(campaigns.c.store_id == store_id, whose(lists.c.segment_id))


async def outcomes(tx: Transaction) -> dict[tuple[str, str], int]:
    """How many deliveries came to what, by channel and outcome, over all stores."""
    sums = [func.sum(delivery_batches.c[name]).label(name) for name in COUNTS[1:]]
    rows = await tx.execute(
        select(campaigns.c.channel, *sums)
        .join(
            delivery_batches,
            and_(delivery_batches.c.store_id == campaigns.c.store_id, delivery_batches.c.campaign_id == campaigns.c.id),
        )
        .group_by(campaigns.c.channel)
    )
    return {(row.channel, name): int(getattr(row, name)) for row in rows for name in COUNTS[1:]}


def campaign(row: AnyRow) -> Campaign:
    store_id, id_, name, channel, status, list_id, target_name, exclude, accept_marketing, content, utm, *rest = row[
        : len(_COLUMNS)
    ]
    return Campaign(
        store_id,
        id_,
        name,
        channel,
        CampaignStatus(status),
        list_id,
        target_name,
        tuple(UUID(hex=left_out) for left_out in exclude),
        AcceptMarketing(accept_marketing),
        content,
        Utm(**utm),
        *rest,
    )


def _values(campaign: Campaign) -> Mapping[str, object]:
    return {
        "name": campaign.name,
        "channel": campaign.channel,
        "status": campaign.status.value,
        "list_id": campaign.list_id,
        "target_name": campaign.target_name,
        "exclude": [left_out.hex for left_out in campaign.exclude],
        "accept_marketing": campaign.accept_marketing.value,
        "content": campaign.content,
        "utm": {
            "source": campaign.utm.source,
            "medium": campaign.utm.medium,
            "campaign": campaign.utm.campaign,
        },
        "created_at": campaign.created_at,
        "scheduled_at": campaign.scheduled_at,
        "started_at": campaign.started_at,
        "finished_at": campaign.finished_at,
        "problem": campaign.problem,
    }


def _is(store_id: int, campaign_id: UUID) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return campaigns.c.store_id == store_id, campaigns.c.id == campaign_id
