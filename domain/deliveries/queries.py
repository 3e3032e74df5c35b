"""Deliveries, their counts, and the reach of those to come."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from muster_sdk import AddressKind
from sqlalchemy import (
    Integer,
    Select,
    and_,
    func,
    literal_column,
    select,
    tuple_,
    union_all,
)

from domain.customers.tables import contacts, customers
from domain.deliveries.audience import Audience, addressed, members_with_reasons
from domain.deliveries.model import (
    COUNTS,
    EVIDENCE_COUNTS,
    Delivery,
    DeliveryStatus,
    ExclusionReason,
    Reach,
    Stats,
)
from domain.deliveries.tables import deliveries, delivery_batches, sandbox_messages
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import ParentFilter
from domain.lists.tables import list_members

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
    """Return how many of the audience a message would reach, in one pass over the list."""
    return (await reach_each(tx, [audience]))[0]


async def reach_each(tx: Transaction, audiences: Sequence[Audience]) -> list[Reach]:
    """Return the reach of each audience, by one statement."""
    counts: list[dict[str | None, int]] = [dict[str | None, int]() for _ in audiences]
    statements: list[Select[*tuple[Any, ...]]] = []
    for index, audience in enumerate(audiences):
        members = members_with_reasons(audience, tx.dialect)
        position = literal_column(str(index), Integer()).label("position")
        statements.append(
            select(position, members.c.reason, func.count().label("customers")).group_by(members.c.reason)
        )
    for row in await tx.execute(union_all(*statements)):
        counts[row.position][row.reason] = row.customers
    reaches: list[Reach] = []
    for customers_by_reason in counts:
        deleted = customers_by_reason.get(ExclusionReason.DELETED.value, 0)
        reaches.append(
            Reach(
                audience=sum(customers_by_reason.values()) - deleted,
                recipients=customers_by_reason.get(None, 0),
                excluded={
                    reason: customers_by_reason[reason.value]
                    for reason in ExclusionReason
                    if reason.value in customers_by_reason and reason is not ExclusionReason.DELETED
                },
                deleted=deleted,
            )
        )
    return reaches


async def stats_of(tx: Transaction, store_id: int, campaign_ids: Sequence[UUID]) -> dict[UUID, Stats]:
    """Return each campaign's counts; one that has not started has none."""
    names = ("recipients", *COUNTS, *EVIDENCE_COUNTS)
    rows = await tx.execute(
        select(delivery_batches.c.campaign_id, *(func.sum(delivery_batches.c[name]).label(name) for name in names))
        .where(delivery_batches.c.store_id == store_id, delivery_batches.c.campaign_id.in_(campaign_ids))
        .group_by(delivery_batches.c.campaign_id)
    )
    return {row.campaign_id: Stats(**{name: int(getattr(row, name)) for name in names}) for row in rows}


async def first_members(tx: Transaction, store_id: int, list_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return a customer of each list that has any, to show a message with."""
    # Each by itself is the first entry of an index; a group of all would be read from end to end.
    first = select(func.min(list_members.c.customer_id)).where(list_members.c.store_id == store_id)
    columns = (first.where(list_members.c.list_id == list_id).scalar_subquery() for list_id in list_ids)
    customer_ids = (await tx.execute(select(*columns))).one()
    return {
        list_id: customer_id
        for list_id, customer_id in zip(list_ids, customer_ids, strict=True)
        if customer_id is not None
    }


async def addresses(
    tx: Transaction, store_id: int, customer_ids: Sequence[int], channel: str, kind: AddressKind
) -> dict[int, str]:
    """Return the address at which the channel reaches each customer that has one."""
    of_channel = and_(
        contacts.c.store_id == store_id, contacts.c.customer_id == customers.c.id, contacts.c.channel == channel
    )
    rows = await tx.execute(
        select(customers.c.id, addressed(kind).label("address"))
        .select_from(customers.outerjoin(contacts, of_channel))
        .where(customers.c.store_id == store_id, customers.c.id.in_(customer_ids))
    )
    return {row.id: row.address for row in rows if row.address is not None}


async def messages_of(
    tx: Transaction, store_id: int, keys: Sequence[tuple[UUID, int]]
) -> dict[tuple[UUID, int], Mapping[str, object]]:
    """Return the messages that the sandbox stored, by campaign and customer."""
    messages = sandbox_messages.c
    rows = await tx.execute(
        select(messages.campaign_id, messages.customer_id, messages.message).where(
            messages.store_id == store_id, tuple_(messages.campaign_id, messages.customer_id).in_(keys)
        )
    )
    return {(row.campaign_id, row.customer_id): row.message for row in rows}


def of_campaigns(
    store_id: int, of_parents: ParentFilter, statuses: Sequence[DeliveryStatus] | None
) -> Select[*tuple[Any, ...]]:
    """Return a statement of campaigns' deliveries, for pages of them.

    `deliveries.customer_id` orders them, `parent` is the campaign.
    """
    of_store = select(*_COLUMNS, deliveries.c.campaign_id.label("parent")).where(deliveries.c.store_id == store_id)
    statement = of_store.where(of_parents(deliveries.c.campaign_id))
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
    """Return the delivery of a row of these queries."""
    return Delivery(
        campaign_id=row.campaign_id,
        customer_id=row.customer_id,
        address=row.address,
        status=DeliveryStatus(row.status),
        attempts=row.attempts,
        provider_message_id=row.provider_message_id,
        error=row.error,
        sent_at=row.sent_at,
        updated_at=row.updated_at,
    )
