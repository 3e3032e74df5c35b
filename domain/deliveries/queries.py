"""What is on record of deliveries."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Integer,
    Select,
    func,
    literal_column,
    select,
    tuple_,
    union_all,
)

from domain.deliveries.audience import Audience, members_with_reasons
from domain.deliveries.model import (
    COUNTS,
    Delivery,
    DeliveryStatus,
    ExclusionReason,
    Reach,
    Stats,
)
from domain.deliveries.tables import deliveries, delivery_batches, sandbox_messages
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import ParentFilter

_COLUMNS = (
    deliveries.c.campaign_id,
    deliveries.c.customer_id,
    deliveries.c.address,
    deliveries.c.status,
    deliveries.c.attempts,
    deliveries.c.provider_message_id,
    deliveries.c.error,
    deliveries.c.sent_at,
    deliveries.c.updated_at,
)


async def reach(tx: Transaction, audience: Audience) -> Reach:
    """Whom a broadcast to this audience would get to, in one pass over the list."""
    return (await reach_each(tx, [audience]))[0]


async def reach_each(tx: Transaction, audiences: Sequence[Audience]) -> list[Reach]:
    """The same for several, in one statement."""
    counts: list[dict[str | None, int]] = [dict[str | None, int]() for _ in audiences]
    members = [members_with_reasons(audience) for audience in audiences]
    parts: list[Select[*tuple[Any, ...]]] = [
        select(literal_column(str(number), Integer()), each.c.reason, func.count()).group_by(each.c.reason)
        for number, each in enumerate(members)
    ]
    for number, reason, count in await tx.execute(union_all(*parts)):
        counts[number][reason] = count
    return [_reach(each) for each in counts]


def _reach(counts: Mapping[str | None, int]) -> Reach:
    deleted = counts.get(ExclusionReason.DELETED.value, 0)
    excluded = {reason: counts[reason.value] for reason in ExclusionReason if reason.value in counts}
    return Reach(sum(counts.values()) - deleted, counts.get(None, 0), excluded)


async def stats_of(tx: Transaction, store_id: int, campaign_ids: Sequence[UUID]) -> dict[UUID, Stats]:
    """Each campaign's counts; one that has not started has none."""
    sums = (func.sum(delivery_batches.c[name]) for name in ("recipients", *COUNTS))
    rows = await tx.execute(
        select(delivery_batches.c.campaign_id, *sums)
        .where(delivery_batches.c.store_id == store_id, delivery_batches.c.campaign_id.in_(campaign_ids))
        .group_by(delivery_batches.c.campaign_id)
    )
    return {campaign_id: Stats(*map(int, counts)) for campaign_id, *counts in rows}


async def messages_of(
    tx: Transaction, store_id: int, keys: Sequence[tuple[UUID, int]]
) -> dict[tuple[UUID, int], Mapping[str, object]]:
    """What the sandbox kept of deliveries, by campaign and customer."""
    kept = sandbox_messages.c
    rows = await tx.execute(
        select(kept.campaign_id, kept.customer_id, kept.message).where(
            kept.store_id == store_id, tuple_(kept.campaign_id, kept.customer_id).in_(keys)
        )
    )
    return {(campaign_id, customer_id): message for campaign_id, customer_id, message in rows}


def of_campaigns(
    store_id: int, whose: ParentFilter, statuses: Sequence[DeliveryStatus] | None
) -> Select[*tuple[Any, ...]]:
    """Campaigns' deliveries, for pages of them; `deliveries.customer_id` orders them, `parent` is the campaign."""
    of_store = select(*_COLUMNS, deliveries.c.campaign_id.label("parent")).where(deliveries.c.store_id == store_id)
    statement = of_store.where(whose(deliveries.c.campaign_id))
    if statuses is not None:
        statement = statement.where(deliveries.c.status.in_([status.value for status in statuses]))
    return statement


async def by_keys(tx: Transaction, store_id: int, keys: Sequence[tuple[UUID, int]]) -> list[Delivery]:
    rows = await tx.execute(
        select(*_COLUMNS).where(
            deliveries.c.store_id == store_id,
            tuple_(deliveries.c.campaign_id, deliveries.c.customer_id).in_(keys),
        )
    )
    return [delivery(row) for row in rows]


def delivery(row: AnyRow) -> Delivery:
    campaign_id, customer_id, address, status, attempts, provider_message_id, error, sent_at, updated_at = row[:9]
    return Delivery(
        campaign_id,
        customer_id,
        address,
        DeliveryStatus(status),
        attempts,
        provider_message_id,
        error,
        sent_at,
        updated_at,
    )
