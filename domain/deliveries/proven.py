"""Deliveries as receipts prove them: rows are locked, and written with what their proofs say."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from muster_sdk import ReceiptKind
from sqlalchemy import Select, and_, bindparam, case, not_, or_, select, update

from domain.deliveries.model import DeliveryStatus
from domain.deliveries.proof import BITS, FAILED, READ, Proof
from domain.deliveries.tables import deliveries
from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, database_now, in_array

_c = deliveries.c
_WENT_OUT = frozenset({DeliveryStatus.SENT, DeliveryStatus.DELIVERED})


@dataclass(frozen=True, slots=True)
class ProvenDelivery:
    """A delivery and what is proved of it; without an address its customer was erased."""

    customer_id: int
    address: str
    status: DeliveryStatus
    in_doubt: bool
    error: str | None
    sent_at: datetime | None
    proof: Proof

    def proved(self, proof: Proof, first_at: datetime) -> "ProvenDelivery | None":
        """Return the delivery with a proof of more; None where its sender has the word as yet.

        `first_at`: the first moment of which there is a receipt: it was sent by then.
        """
        status = proof.status
        if status is None or self.status is DeliveryStatus.SENDING:
            return None
        if self.status is DeliveryStatus.PENDING and status is DeliveryStatus.FAILED and not self.in_doubt:
            # Of an attempt that its sender knows to have failed, and makes again.
            return None
        went_out = status in _WENT_OUT
        error = None if went_out else proof.reason
        sent_at = self.sent_at or (first_at if went_out else None)
        return replace(self, status=status, in_doubt=False, error=error, sent_at=sent_at, proof=proof)


async def lock(
    tx: Transaction, store_id: int, campaign_id: UUID, customer_ids: Collection[int]
) -> dict[int, ProvenDelivery]:
    """Return the deliveries by customer, locked; one that its sender is writing at the moment is left out."""
    statement = (
        select(
            _c.customer_id,
            _c.address,
            _c.status,
            _c.in_doubt_since,
            _c.error,
            _c.sent_at,
            _c.evidence,
            _c.delivered_at,
            _c.failed_at,
        )
        .where(_c.store_id == store_id, _c.campaign_id == campaign_id, in_array(_c.customer_id, "ids", tx.dialect))
        .order_by(_c.customer_id)
        .with_for_update(skip_locked=True)
    )
    rows = await tx.execute(statement, {"ids": array_value(sorted(customer_ids), tx.dialect)})
    return {
        row.customer_id: ProvenDelivery(
            customer_id=row.customer_id,
            address=row.address,
            status=DeliveryStatus(row.status),
            in_doubt=row.in_doubt_since is not None,
            error=row.error,
            sent_at=row.sent_at,
            proof=Proof(row.evidence or 0, row.delivered_at, row.failed_at, row.error if row.failed_at else None),
        )
        for row in rows
    }


async def write(tx: Transaction, store_id: int, campaign_id: UUID, proven: Mapping[int, ProvenDelivery]) -> None:
    """Write deliveries that are locked; of who was erased, no word of the provider's."""
    now: datetime = await tx.scalar(select(database_now(tx.dialect)))
    rows = [
        {
            "customer": customer_id,
            "now_status": delivery.status.value,
            "now_error": delivery.error if delivery.address else None,
            "now_sent_at": delivery.sent_at,
            "now_evidence": delivery.proof.kinds,
            "now_delivered_at": delivery.proof.delivered_at,
            "now_failed_at": delivery.proof.failed_at,
            "now": now,
        }
        for customer_id, delivery in proven.items()
    ]
    if rows:
        of_campaign = (_c.store_id == store_id, _c.campaign_id == campaign_id)
        await tx.execute(_WRITE.where(*of_campaign), rows)


def contradicted(store_id: int) -> Select[*tuple[Any, ...]]:
    """Select the deliveries of a store whose state is not what their receipts prove, as `Proof.status` has it."""
    has_failed = and_(_c.failed_at.is_not(None), or_(_c.delivered_at.is_(None), _c.failed_at > _c.delivered_at))
    proved = case(
        (_c.evidence.bitwise_and(READ) != 0, DeliveryStatus.DELIVERED.value),
        (has_failed, DeliveryStatus.FAILED.value),
        (_c.delivered_at.is_not(None), DeliveryStatus.DELIVERED.value),
        else_=DeliveryStatus.SENT.value,
    )
    has_moments = (
        (_c.evidence.bitwise_and(BITS[ReceiptKind.DELIVERED]) != 0) == _c.delivered_at.is_not(None),
        (_c.evidence.bitwise_and(FAILED) != 0) == _c.failed_at.is_not(None),
    )
    is_wrong = or_(_c.status != proved, not_(and_(*has_moments)))
    keys = (_c.campaign_id, _c.customer_id, _c.status)
    return select(*keys).where(_c.store_id == store_id, _c.evidence.is_not(None), is_wrong)


_WRITE = (
    update(deliveries)
    .where(_c.customer_id == bindparam("customer"))
    .values(
        status=bindparam("now_status"),
        error=bindparam("now_error"),
        sent_at=bindparam("now_sent_at"),
        evidence=bindparam("now_evidence"),
        delivered_at=bindparam("now_delivered_at"),
        failed_at=bindparam("now_failed_at"),
        # A restored backup may have forgotten the attempt.
        attempts=case((_c.attempts < 1, 1), else_=_c.attempts),
        in_doubt_since=None,
        not_before=None,
        updated_at=bindparam("now"),
    )
)
