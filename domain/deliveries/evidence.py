"""What was sent becomes part of each customer's history, so that segments can ask for it."""

from datetime import datetime

from sqlalchemy import String, cast, literal, select

from domain.deliveries.model import Batch, DeliveryStatus
from domain.deliveries.tables import deliveries
from domain.events import log
from domain.kit.db import Transaction


async def record_sent(tx: Transaction, part: Batch, channel: str, now: datetime) -> None:
    """Each message of a batch that went out, once, however often the batch is closed."""
    campaign = str(part.campaign_id)
    customer = deliveries.c.customer_id
    key = literal(f"{campaign}.") + cast(customer, String)
    sent = select(key.label("id"), customer, literal(campaign).label("subject")).where(
        deliveries.c.store_id == part.store_id,
        deliveries.c.campaign_id == part.campaign_id,
        customer.between(part.first_customer_id, part.last_customer_id),
        deliveries.c.status == DeliveryStatus.SENT.value,
    )
    await log.append_once(tx, part.store_id, f"{channel}.sent", sent, now)
