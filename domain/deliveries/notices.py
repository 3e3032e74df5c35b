"""Observers of plugins are told what became of messages."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from muster_sdk import DeliveryNotice
from sqlalchemy import select

from domain import jobs
from domain.deliveries.batches import within
from domain.deliveries.model import Batch, DeliveryStatus
from domain.deliveries.tables import deliveries
from domain.jobs import Queue
from domain.kit.db import Transaction

JOB = "delivery.observe"
QUEUE = Queue.REPORTS
# Notices that an observer is told at a time.
_AT_ONCE = 1_000
_OPEN = [DeliveryStatus.PENDING.value, DeliveryStatus.SENDING.value]


async def request(tx: Transaction, observers: Sequence[str], batch: Batch, channel: str) -> None:
    """Have each observer told of the batch, whose messages have ended, once the transaction is committed."""
    payloads = [
        {"observer": key, "campaign": str(batch.mailing_id), "batch": batch.number, "channel": channel}
        for key in observers
    ]
    if payloads:
        await jobs.add_all(tx, batch.store_id, JOB, payloads, queue=QUEUE)


async def pass_on(tx: Transaction, observers: Sequence[str], store_id: int, told: Sequence[DeliveryNotice]) -> None:
    """Have each observer told of these notices of a store, once the transaction is committed."""
    payloads = [
        {"observer": key, "notices": [_as_values(notice) for notice in told[start : start + _AT_ONCE]]}
        for key in observers
        for start in range(0, len(told), _AT_ONCE)
    ]
    if payloads:
        await jobs.add_all(tx, store_id, JOB, payloads, queue=QUEUE)


def of_payload(store_id: int, payload: Mapping[str, object]) -> list[DeliveryNotice] | None:
    """Return the notices that were passed on with a job; None for one that is about a batch."""
    values = payload.get("notices")
    return None if values is None else [_of_values(store_id, value) for value in cast("list[list[Any]]", values)]


def _as_values(notice: DeliveryNotice) -> list[object]:
    moment = notice.at.isoformat()
    return [str(notice.campaign_id), notice.customer_id, notice.channel, notice.event, moment, notice.reason]


def _of_values(store_id: int, values: list[Any]) -> DeliveryNotice:
    campaign_id, customer_id, channel, event, at, reason = values
    return DeliveryNotice(store_id, UUID(campaign_id), customer_id, channel, event, datetime.fromisoformat(at), reason)


async def of_batch(tx: Transaction, batch: Batch, channel: str) -> list[DeliveryNotice]:
    """Return what became of each message of the batch, but for those that are open again."""
    columns = (
        deliveries.c.customer_id,
        deliveries.c.status,
        deliveries.c.error,
        deliveries.c.sent_at,
        deliveries.c.updated_at,
    )
    rows = await tx.execute(
        select(*columns).where(*within(batch), deliveries.c.status.not_in(_OPEN)).order_by(deliveries.c.customer_id)
    )
    return [
        DeliveryNotice(
            store_id=batch.store_id,
            campaign_id=batch.mailing_id,
            customer_id=row.customer_id,
            channel=channel,
            event=row.status.lower(),
            at=row.sent_at or row.updated_at,
            reason=row.error,
        )
        for row in rows
    ]
