"""Sent messages become events of their customers, so that segments can ask for them."""

from datetime import datetime

from sqlalchemy import String, cast, literal, select

from domain.deliveries.model import Batch
from domain.deliveries.tables import deliveries
from domain.events import log
from domain.kit.db import Transaction


async def record_sent(tx: Transaction, batch: Batch, channel: str, now: datetime) -> None:
    """Append an event for each message of the batch that was sent, once, however often the batch is closed."""
    mailing_id = str(batch.mailing_id)
    customer = deliveries.c.customer_id
    key = literal(f"{mailing_id}.") + cast(customer, String)
    sent = select(key.label("id"), customer, literal(mailing_id).label("subject")).where(
        deliveries.c.store_id == batch.store_id,
        deliveries.c.campaign_id == batch.mailing_id,
        customer.between(batch.first_customer_id, batch.last_customer_id),
        # Also of what a receipt has told meanwhile that it failed, or arrived.
        deliveries.c.sent_at.is_not(None),
    )
    await log.append_once(tx, batch.store_id, f"{channel}.sent", sent, now)
