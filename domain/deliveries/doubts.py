"""Deliveries of which a restored database does not know what became: they are left unknown, batch by batch."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update

from domain.deliveries.model import Batch, DeliveryStatus
from domain.deliveries.tables import deliveries, delivery_batches
from domain.kit.db import Transaction
from domain.kit.db.portable import database_now


async def all_of(tx: Transaction, store_id: int, mailing_id: UUID) -> list[Batch]:
    """Return the mailing's batches in their order, which is that of their customers."""
    rows = await tx.execute(
        select(delivery_batches.c.number, delivery_batches.c.first_customer_id, delivery_batches.c.last_customer_id)
        .where(delivery_batches.c.store_id == store_id, delivery_batches.c.campaign_id == mailing_id)
        .order_by(delivery_batches.c.number)
    )
    return [Batch(store_id, mailing_id, row.number, row.first_customer_id, row.last_customer_id) for row in rows]


async def leave_unknown(tx: Transaction, portion: Sequence[Batch], reason: str) -> int:
    """Leave unknown the open deliveries of neighbouring batches, and return how many these are.

    No claim knows better: any may have been followed by another that is forgotten.
    """
    if not portion:
        return 0
    first, last = portion[0], portion[-1]
    left = await tx.execute(
        update(deliveries)
        .where(
            deliveries.c.store_id == first.store_id,
            deliveries.c.campaign_id == first.mailing_id,
            deliveries.c.customer_id.between(first.first_customer_id, last.last_customer_id),
            deliveries.c.status.in_([DeliveryStatus.PENDING.value, DeliveryStatus.SENDING.value]),
        )
        .values(
            status=DeliveryStatus.UNKNOWN.value,
            fence=0,
            not_before=None,
            error=reason,
            updated_at=database_now(tx.dialect),
        )
    )
    return left.rowcount
