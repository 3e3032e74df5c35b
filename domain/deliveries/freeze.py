"""Recipients are frozen when a mailing starts, and cut into batches."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Integer,
    func,
    insert,
    literal,
    select,
    type_coerce,
)

from domain.deliveries.audience import Audience, members_with_reasons
from domain.deliveries.model import (
    BATCH_SIZE,
    COUNTS,
    DeliveryStatus,
)
from domain.deliveries.tables import deliveries, delivery_batches
from domain.kit.db import Transaction
from domain.kit.db.types import Instant


async def freeze(tx: Transaction, mailing_id: UUID, audience: Audience, now: datetime) -> int:
    """Add a delivery for each recipient of now, and return how many there are."""
    members = members_with_reasons(audience, tx.dialect)
    recipients = select(
        literal(audience.store_id, Integer),
        literal(mailing_id, deliveries.c.campaign_id.type),
        members.c.customer_id,
        members.c.address,
        literal(DeliveryStatus.PENDING.value),
        literal(0),
        literal(0),
        literal(now, Instant),
    ).where(members.c.reason.is_(None))
    columns = (
        "store_id",
        "campaign_id",
        "customer_id",
        "address",
        "status",
        "attempts",
        "fence",
        "updated_at",
    )
    return (await tx.execute(insert(deliveries).from_select(columns, recipients))).rowcount


async def divide(tx: Transaction, store_id: int, mailing_id: UUID) -> list[int]:
    """Cut a mailing's deliveries into batches, and return their numbers."""
    position = type_coerce(func.row_number().over(order_by=deliveries.c.customer_id) - 1, Integer)
    numbered = (
        select(deliveries.c.customer_id, (position // BATCH_SIZE).label("number"))
        .where(deliveries.c.store_id == store_id, deliveries.c.campaign_id == mailing_id)
        .subquery("numbered")
    )
    ranges = select(
        literal(store_id, Integer),
        literal(mailing_id, delivery_batches.c.campaign_id.type),
        numbered.c.number,
        func.min(numbered.c.customer_id),
        func.max(numbered.c.customer_id),
        func.count(),
        func.count(),
        *(literal(0) for _ in COUNTS[1:]),
    ).group_by(numbered.c.number)
    columns = (
        "store_id",
        "campaign_id",
        "number",
        "first_customer_id",
        "last_customer_id",
        "recipients",
        *COUNTS,
    )
    await tx.execute(insert(delivery_batches).from_select(columns, ranges))
    numbers = await tx.execute(
        select(delivery_batches.c.number).where(
            delivery_batches.c.store_id == store_id, delivery_batches.c.campaign_id == mailing_id
        )
    )
    return [number for (number,) in numbers]
