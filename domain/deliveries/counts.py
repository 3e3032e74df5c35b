"""Counts of deliveries by batch: by their states, and by what receipts have told of them."""

from bisect import bisect_right
from collections.abc import Collection
from typing import Any
from uuid import UUID

from muster_sdk import ReceiptKind
from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_, update

from domain.deliveries.model import COUNTS, EVIDENCE_COUNTS, DeliveryStatus
from domain.deliveries.proof import BITS, OPENED
from domain.deliveries.tables import deliveries, delivery_batches
from domain.kit.db import Transaction

COUNTED = (*COUNTS, *EVIDENCE_COUNTS)


def _number_in(*statuses: DeliveryStatus) -> ColumnElement[int]:
    return func.count().filter(deliveries.c.status.in_([status.value for status in statuses]))


def _number_with(kinds: int) -> ColumnElement[int]:
    return func.count().filter(deliveries.c.evidence.bitwise_and(kinds) != 0)


def numbers(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Count deliveries by their states and by what receipts tell, in the order of `COUNTED`."""
    return select(
        _number_in(DeliveryStatus.PENDING, DeliveryStatus.SENDING),
        _number_in(DeliveryStatus.SENT, DeliveryStatus.DELIVERED),
        _number_in(DeliveryStatus.FAILED),
        _number_in(DeliveryStatus.UNKNOWN),
        _number_in(DeliveryStatus.SKIPPED),
        _number_in(DeliveryStatus.DELIVERED),
        _number_with(OPENED),
        _number_with(BITS[ReceiptKind.CLICKED]),
        _number_with(BITS[ReceiptKind.BOUNCED]),
        _number_with(BITS[ReceiptKind.COMPLAINED]),
        _number_with(BITS[ReceiptKind.UNSUBSCRIBED]),
    ).where(*conditions)


async def recount_with(tx: Transaction, store_id: int, campaign_id: UUID, customer_ids: Collection[int]) -> None:
    """Count the batches anew that have deliveries to these customers. The campaign is locked."""
    batch = delivery_batches.c
    of_campaign = (batch.store_id == store_id, batch.campaign_id == campaign_id)
    ranges = select(batch.number, batch.first_customer_id, batch.last_customer_id).where(*of_campaign)
    rows = (await tx.execute(ranges.order_by(batch.first_customer_id))).all()
    firsts = [row.first_customer_id for row in rows]
    found = {bisect_right(firsts, customer_id) - 1 for customer_id in customer_ids}
    touched = sorted(rows[index].number for index in found if index >= 0)
    if not touched:
        return
    of_touched = (*of_campaign, batch.number.in_(touched))
    if tx.dialect == "postgresql":
        # A sender that counts one of them meanwhile has committed before this counts.
        await tx.execute(select(batch.number).where(*of_touched).order_by(batch.number).with_for_update())
    counted = numbers(
        deliveries.c.store_id == store_id,
        deliveries.c.campaign_id == campaign_id,
        deliveries.c.customer_id.between(batch.first_customer_id, batch.last_customer_id),
    )
    counts = {tuple_(*(batch[name] for name in COUNTED)): counted.correlate(delivery_batches).scalar_subquery()}
    await tx.execute(update(delivery_batches).where(*of_touched).values(counts))


def miscounted(store_id: int) -> Select[Any, Any]:
    """Select the batches whose counts are not what counting their deliveries gives.

    Each is counted by itself, along the key: as one join, PostgreSQL might compare every delivery with every batch.
    """
    batch = delivery_batches.c
    counted = numbers(
        deliveries.c.store_id == store_id,
        deliveries.c.campaign_id == batch.campaign_id,
        deliveries.c.customer_id.between(batch.first_customer_id, batch.last_customer_id),
    )
    counts = tuple_(*(batch[name] for name in COUNTED))
    sums = sum((batch[name] for name in COUNTS[1:]), start=batch[COUNTS[0]])
    is_wrong = or_(counts != counted.correlate(delivery_batches).scalar_subquery(), batch.recipients != sums)
    return select(batch.campaign_id, batch.number).where(batch.store_id == store_id, is_wrong)
