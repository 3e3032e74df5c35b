"""Every statement on campaigns."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, func, insert, or_, select, update

from domain.campaigns.model import Campaign, CampaignStatus, Utm, ending_problem
from domain.campaigns.tables import campaigns
from domain.deliveries.model import COUNTS, AcceptMarketing
from domain.deliveries.tables import delivery_batches
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import ParentFilter, contains_folded
from domain.kit.folded_text import folded
from domain.lists.tables import lists


@dataclass(frozen=True, slots=True)
class StartedCampaign:
    store_id: int
    campaign_id: UUID


@dataclass(frozen=True, slots=True)
class StoppedCampaign:
    """A campaign that is being sent and cannot go on now."""

    campaign_id: UUID
    problem: str


async def add(tx: Transaction, campaign: Campaign) -> None:
    await tx.execute(insert(campaigns).values(store_id=campaign.store_id, id=campaign.id, **_values(campaign)))


async def replace(tx: Transaction, campaign: Campaign) -> None:
    await tx.execute(update(campaigns).where(*_is(campaign.store_id, campaign.id)).values(_values(campaign)))


async def by_ids(tx: Transaction, store_id: int, campaign_ids: Sequence[UUID]) -> list[Campaign]:
    rows = await tx.execute(select(campaigns).where(campaigns.c.store_id == store_id, campaigns.c.id.in_(campaign_ids)))
    return [campaign(row) for row in rows]


async def by_id(tx: Transaction, store_id: int, campaign_id: UUID) -> Campaign | None:
    return next(iter(await by_ids(tx, store_id, [campaign_id])), None)


_STATUS = select(campaigns.c.status).where(
    campaigns.c.store_id == bindparam("store"), campaigns.c.id == bindparam("campaign")
)


async def status_of(tx: Transaction, store_id: int, campaign_id: UUID) -> CampaignStatus | None:
    status: str | None = await tx.scalar(_STATUS, {"store": store_id, "campaign": campaign_id})
    return None if status is None else CampaignStatus(status)


async def lock(tx: Transaction, store_id: int, campaign_id: UUID) -> Campaign | None:
    """Return the campaign, whose state nobody changes until the transaction ends."""
    statement = select(campaigns).where(*_is(store_id, campaign_id)).with_for_update()
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else campaign(row)


async def fail(tx: Transaction, store_id: int, campaign_id: UUID, problem: str, now: datetime) -> None:
    """End a campaign that cannot be sent."""
    values = {"status": CampaignStatus.FAILED.value, "problem": problem, "finished_at": now}
    await tx.execute(update(campaigns).where(*_is(store_id, campaign_id)).values(values))


async def note_problem(tx: Transaction, store_id: int, campaign_id: UUID, problem: str | None) -> None:
    await tx.execute(update(campaigns).where(*_is(store_id, campaign_id)).values(problem=problem))


async def replace_problems(tx: Transaction, store_id: int, texts: Collection[str], problem: str) -> None:
    """Replace the problems that hold one of the texts, which are in lower case."""
    holds = or_(false(), *(func.lower(campaigns.c.problem).contains(text, autoescape=True) for text in sorted(texts)))
    await tx.execute(update(campaigns).where(campaigns.c.store_id == store_id, holds).values(problem=problem))


async def start_due(tx: Transaction, now: datetime) -> list[StartedCampaign]:
    """Start every scheduled campaign whose time has come, and return those; each is returned to one caller only."""
    rows = await tx.execute(
        update(campaigns)
        .where(campaigns.c.status == CampaignStatus.SCHEDULED.value, campaigns.c.scheduled_at <= now)
        .values(status=CampaignStatus.SENDING.value, started_at=now)
        .returning(campaigns.c.store_id, campaigns.c.id)
    )
    return [StartedCampaign(row.store_id, row.id) for row in rows]


async def wanted_lists(tx: Transaction, store_id: int) -> set[UUID]:
    """Return the lists of campaigns that are scheduled or being sent, deleted or not, and those that they exclude."""
    open_statuses = [
        status.value for status in CampaignStatus if status is not CampaignStatus.DRAFT and not status.ended
    ]
    rows = await tx.execute(
        select(campaigns.c.list_id, campaigns.c.exclude).where(
            campaigns.c.store_id == store_id, campaigns.c.status.in_(open_statuses)
        )
    )
    list_ids: set[UUID] = set()
    for row in rows:
        list_ids.update(UUID(list_id) for list_id in row.exclude)
        if row.list_id is not None:
            list_ids.add(row.list_id)
    return list_ids


async def sending(tx: Transaction) -> list[UUID]:
    """Return the campaigns of all stores that are being sent."""
    rows = await tx.execute(select(campaigns.c.id).where(campaigns.c.status == CampaignStatus.SENDING.value))
    return list(rows.scalars())


async def stopped(tx: Transaction, store_id: int) -> list[StoppedCampaign]:
    """Return the store's campaigns that are being sent and say why they cannot go on."""
    of_store = (campaigns.c.store_id == store_id, campaigns.c.status == CampaignStatus.SENDING.value)
    with_problem = select(campaigns.c.id, campaigns.c.problem).where(*of_store, campaigns.c.problem.is_not(None))
    return [StoppedCampaign(row.id, row.problem) for row in await tx.execute(with_problem)]


async def under_way(tx: Transaction) -> list[StartedCampaign]:
    """Return the campaigns of all stores that are being sent, paused or not."""
    statuses = [CampaignStatus.SENDING.value, CampaignStatus.PAUSED.value]
    columns = campaigns.c.store_id, campaigns.c.id
    rows = await tx.execute(select(*columns).where(campaigns.c.status.in_(statuses)).order_by(*columns))
    return [StartedCampaign(row.store_id, row.id) for row in rows]


async def due(tx: Transaction, now: datetime) -> list[StartedCampaign]:
    """Return the campaigns of all stores that are scheduled and whose time has come."""
    columns = campaigns.c.store_id, campaigns.c.id
    is_due = campaigns.c.status == CampaignStatus.SCHEDULED.value, campaigns.c.scheduled_at <= now
    rows = await tx.execute(select(*columns).where(*is_due).order_by(*columns))
    return [StartedCampaign(row.store_id, row.id) for row in rows]


async def pause_all(tx: Transaction, problem: str) -> None:
    """Pause the campaigns of all stores that are being sent."""
    is_sending = campaigns.c.status == CampaignStatus.SENDING.value
    values = {"status": CampaignStatus.PAUSED.value, "problem": problem}
    await tx.execute(update(campaigns).where(is_sending).values(values))


async def resume_all(tx: Transaction) -> Mapping[int, int]:
    """Have the campaigns of all stores go on that the server itself has paused. Return how many, by store."""
    paused = campaigns.c.status == CampaignStatus.PAUSED.value, campaigns.c.problem.is_not(None)
    values = {"status": CampaignStatus.SENDING.value, "problem": None}
    resumed = await tx.execute(update(campaigns).where(*paused).values(values).returning(campaigns.c.store_id))
    return Counter(resumed.scalars())


async def open_batches(tx: Transaction, store_id: int, campaign_id: UUID, batches: int) -> None:
    """Note how many batches the campaign has to send."""
    await tx.execute(update(campaigns).where(*_is(store_id, campaign_id)).values(open_batches=batches))


async def close_batch(tx: Transaction, store_id: int, campaign_id: UUID, now: datetime) -> None:
    """Note that one of the campaign's batches has ended; the last one ends the campaign. Its row must be locked."""
    closed = update(campaigns).where(*_is(store_id, campaign_id)).values(open_batches=campaigns.c.open_batches - 1)
    if await tx.scalar(closed.returning(campaigns.c.open_batches)):
        return
    cause = await tx.scalar(select(campaigns.c.problem).where(*_is(store_id, campaign_id)))
    under_way = campaigns.c.status.in_([CampaignStatus.SENDING.value, CampaignStatus.PAUSED.value])
    values = {"status": CampaignStatus.SENT.value, "finished_at": now}
    await tx.execute(update(campaigns).where(*_is(store_id, campaign_id), under_way).values(values))
    await summarize(tx, store_id, campaign_id, cause)


async def summarize(tx: Transaction, store_id: int, campaign_id: UUID, cause: str | None = None) -> None:
    """Have a campaign that was sent say how many of its messages failed or are unknown, and the last cause of that."""
    sums = [func.coalesce(func.sum(delivery_batches.c[name]), 0) for name in ("recipients", "failed", "unknown")]
    of_campaign = delivery_batches.c.store_id == store_id, delivery_batches.c.campaign_id == campaign_id
    recipients, failed, unknown = (await tx.execute(select(*sums).where(*of_campaign))).one()
    problem = ending_problem(int(recipients), int(failed), int(unknown), cause)
    is_sent = campaigns.c.status == CampaignStatus.SENT.value
    await tx.execute(update(campaigns).where(*_is(store_id, campaign_id), is_sent).values(problem=problem))


def page(
    store_id: int, channel: str | None, statuses: Sequence[CampaignStatus] | None, search: str | None
) -> Select[*tuple[Any, ...]]:
    """Return a statement of the store's campaigns, for a page of them; `campaigns.id` orders them by age."""
    statement = select(campaigns).where(campaigns.c.store_id == store_id)
    if channel is not None:
        statement = statement.where(campaigns.c.channel == channel)
    if statuses is not None:
        statement = statement.where(campaigns.c.status.in_([status.value for status in statuses]))
    if search:
        statement = statement.where(contains_folded(campaigns.c.folded_name, search))
    return statement


def of_lists(store_id: int, of_parents: ParentFilter) -> Select[*tuple[Any, ...]]:
    """Return a statement of the campaigns to lists; `parent` is the list."""
    statement = select(campaigns, campaigns.c.list_id.label("parent"))
    return statement.where(campaigns.c.store_id == store_id, of_parents(campaigns.c.list_id))


def of_segments(store_id: int, of_parents: ParentFilter) -> Select[*tuple[Any, ...]]:
    """Return a statement of the campaigns to segments' lists; `parent` is the segment."""
    of_list = and_(lists.c.store_id == campaigns.c.store_id, lists.c.id == campaigns.c.list_id)
    statement = select(campaigns, lists.c.segment_id.label("parent")).join(lists, of_list)
    return statement.where(campaigns.c.store_id == store_id, of_parents(lists.c.segment_id))


async def outcomes(tx: Transaction) -> dict[tuple[str, str], int]:
    """Return the number of deliveries of all stores by channel and outcome."""
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
    """Return the campaign of a row that has the columns of its table."""
    return Campaign(
        store_id=row.store_id,
        id=row.id,
        name=row.name,
        channel=row.channel,
        status=CampaignStatus(row.status),
        list_id=row.list_id,
        target_name=row.target_name,
        exclude=tuple(UUID(hex=list_id) for list_id in row.exclude),
        accept_marketing=AcceptMarketing(row.accept_marketing),
        content=row.content,
        utm=Utm(**row.utm),
        created_at=row.created_at,
        scheduled_at=row.scheduled_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        problem=row.problem,
    )


def _values(campaign: Campaign) -> Mapping[str, object]:
    return {
        "name": campaign.name,
        "folded_name": folded(campaign.name),
        "channel": campaign.channel,
        "status": campaign.status.value,
        "list_id": campaign.list_id,
        "target_name": campaign.target_name,
        "exclude": [list_id.hex for list_id in campaign.exclude],
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
