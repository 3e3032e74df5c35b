"""Observers of plugins are told what became of a batch's messages."""

from collections.abc import Sequence

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
_OPEN = [DeliveryStatus.PENDING.value, DeliveryStatus.SENDING.value]


async def request(tx: Transaction, observers: Sequence[str], batch: Batch, channel: str) -> None:
    """Have each observer told of the batch, whose messages have ended, once the transaction is committed."""
    payloads = [
        {"observer": key, "campaign": str(batch.mailing_id), "batch": batch.number, "channel": channel}
        for key in observers
    ]
    if payloads:
        await jobs.add_all(tx, batch.store_id, JOB, payloads, queue=QUEUE)


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
