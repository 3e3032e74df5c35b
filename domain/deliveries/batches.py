"""Batches of deliveries: their outcomes are recorded and counted, and what is left of them is resolved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import ColumnElement, Text, bindparam, case, func, select, text, tuple_, update

from domain.deliveries.counts import COUNTED, numbers
from domain.deliveries.model import Batch, BatchKey, ClaimedDelivery, DeliveryResult, DeliveryStatus, Stats
from domain.deliveries.tables import deliveries, delivery_batches, sandbox_messages
from domain.kit.db import Transaction
from domain.kit.db.portable import database_later, database_now, insert_into
from domain.kit.db.types import Instant


async def by_key(tx: Transaction, store_id: int, key: BatchKey) -> Batch | None:
    row = (
        await tx.execute(
            select(delivery_batches.c.first_customer_id, delivery_batches.c.last_customer_id).where(
                delivery_batches.c.store_id == store_id,
                delivery_batches.c.campaign_id == key.mailing_id,
                delivery_batches.c.number == key.number,
            )
        )
    ).one_or_none()
    if row is None:
        return None
    return Batch(store_id, key.mailing_id, key.number, row.first_customer_id, row.last_customer_id)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A delivery whose attempt nobody has ended."""

    claimed: ClaimedDelivery
    attempts: int


async def interrupted(tx: Transaction, batch: Batch, before: int) -> list[Interrupted]:
    """Return the batch's deliveries that claims before this one were sending."""
    sending = deliveries.c.status == DeliveryStatus.SENDING.value
    return await _interrupted(tx, batch, sending, deliveries.c.fence < before)


async def in_doubt_of(tx: Transaction, batch: Batch, fence: int) -> list[Interrupted]:
    """Return the batch's deliveries that this claim was sending, though they may be unknown by now."""
    statuses = [DeliveryStatus.SENDING.value, DeliveryStatus.UNKNOWN.value]
    return await _interrupted(tx, batch, deliveries.c.status.in_(statuses), deliveries.c.fence == fence)


async def open_before(tx: Transaction, batch: Batch, fence: int) -> list[Interrupted]:
    """Return the batch's open deliveries whose latest claim is this one or an earlier one."""
    open_statuses = [DeliveryStatus.PENDING.value, DeliveryStatus.SENDING.value]
    return await _interrupted(tx, batch, deliveries.c.status.in_(open_statuses), deliveries.c.fence <= fence)


async def _interrupted(tx: Transaction, batch: Batch, *conditions: ColumnElement[bool]) -> list[Interrupted]:
    columns = deliveries.c.customer_id, deliveries.c.fence, deliveries.c.attempts
    rows = await tx.execute(select(*columns).where(*within(batch), *conditions))
    return [Interrupted(ClaimedDelivery(row.customer_id, row.fence), row.attempts) for row in rows]


async def take_back(tx: Transaction, batch: Batch, fence: int) -> None:
    """Have the deliveries pending again whose intents this claim has committed without knowing of it."""
    await tx.execute(
        update(deliveries)
        .where(*within(batch), deliveries.c.status == DeliveryStatus.SENDING.value, deliveries.c.fence == fence)
        .values(
            status=DeliveryStatus.PENDING.value,
            attempts=deliveries.c.attempts - 1,
            fence=0,
            updated_at=database_now(tx.dialect),
        )
    )


async def expire_keys(tx: Transaction, batch: Batch, seconds: float) -> None:
    """Leave unknown what may have gone out so long ago that its provider forgets the key: no attempt would be safe."""
    await tx.execute(
        update(deliveries)
        .where(
            *within(batch),
            deliveries.c.status == DeliveryStatus.PENDING.value,
            deliveries.c.in_doubt_since < database_later(-seconds, tx.dialect),
        )
        .values(status=DeliveryStatus.UNKNOWN.value, updated_at=database_now(tx.dialect))
    )


async def abandon(tx: Transaction, batch: Batch, reason: str) -> None:
    """Fail the deliveries of the batch that are pending; those that may have gone out before are unknown."""
    in_doubt = deliveries.c.in_doubt_since.is_not(None)
    await tx.execute(
        update(deliveries)
        .where(*within(batch), deliveries.c.status == DeliveryStatus.PENDING.value)
        .values(
            status=case((in_doubt, DeliveryStatus.UNKNOWN.value), else_=DeliveryStatus.FAILED.value),
            error=reason,
            updated_at=database_now(tx.dialect),
        )
    )


async def record_outcomes(tx: Transaction, batch: Batch, results: Mapping[ClaimedDelivery, DeliveryResult]) -> None:
    """Write the results of attempts. A delivery that a later claim has begun again is left to that one.

    What may have gone out before does not end as FAILED or SKIPPED; what was accepted is sent, though it is to be tried
    again by its key. An intent is committed before its attempt: a row that does not have it any more was lost with the
    end of the database that had it, and takes the result as well. An attempt that did not begin is taken back, once.
    """
    if not results:
        return
    rows = [
        {
            "customer_id": claimed.customer_id,
            "fence": claimed.fence,
            "status": result.status.value,
            "provider_message_id": result.provider_message_id,
            "error": result.error,
            "retry_in": None if result.retry_in is None else int(result.retry_in.total_seconds() * 1_000_000),
            "in_doubt": int(result.in_doubt),
            "attempted": int(result.attempted),
        }
        for claimed, result in results.items()
    ]
    await tx.execute(
        _RECORD_POSTGRESQL if tx.dialect == "postgresql" else _RECORD_SQLITE,
        {
            "store_id": batch.store_id,
            "campaign_id": batch.mailing_id,
            "first": batch.first_customer_id,
            "last": batch.last_customer_id,
            "rows": orjson.dumps(rows).decode(),
        },
    )


_RECORD = """
UPDATE deliveries SET
    status = CASE
        WHEN v.status IN ('FAILED', 'SKIPPED')
            AND (v.in_doubt = 1 OR deliveries.in_doubt_since IS NOT NULL AND NOT {only_attempt})
        THEN 'UNKNOWN'
        ELSE v.status END,
    fence = CASE WHEN v.attempted = 1 THEN v.fence ELSE 0 END,
    attempts = CASE WHEN deliveries.fence = v.fence THEN deliveries.attempts - 1 + v.attempted
        ELSE deliveries.attempts + 1 END,
    provider_message_id = CASE WHEN {erased} THEN NULL
        ELSE coalesce(v.provider_message_id, deliveries.provider_message_id) END,
    error = CASE WHEN {erased} THEN NULL ELSE v.error END,
    not_before = {not_before},
    in_doubt_since = CASE
        WHEN v.in_doubt = 1 THEN coalesce(deliveries.in_doubt_since, {now})
        WHEN {only_attempt} THEN NULL
        ELSE deliveries.in_doubt_since END,
    sent_at = CASE WHEN v.status = 'SENT' THEN {now} ELSE deliveries.sent_at END,
    updated_at = {now}
FROM {values} AS v
WHERE deliveries.store_id = :store_id AND deliveries.campaign_id = :campaign_id
  AND deliveries.customer_id BETWEEN :first AND :last
  AND deliveries.customer_id = v.customer_id
  AND (deliveries.fence = v.fence AND (deliveries.status IN ('SENDING', 'UNKNOWN')
      OR deliveries.status = 'PENDING' AND v.status = 'SENT')
    OR v.attempted = 1 AND deliveries.fence < v.fence AND deliveries.status IN ('PENDING', 'SENDING'))
"""
# Its customer was erased while it was under way: what its provider says may name them.
_ERASED = "deliveries.address = ''"
# The doubt was of this very attempt, which is settled now.
_ONLY_ATTEMPT = "(deliveries.fence = v.fence AND deliveries.attempts = 1)"
_SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
_MAILING = bindparam("campaign_id", type_=deliveries.c.campaign_id.type)
_RECORD_SQLITE = text(
    _RECORD.format(
        now=_SQLITE_NOW,
        only_attempt=_ONLY_ATTEMPT,
        erased=_ERASED,
        not_before=f"CASE WHEN v.retry_in IS NOT NULL THEN {_SQLITE_NOW} + v.retry_in END",
        values="""(SELECT value ->> 'customer_id' AS customer_id, value ->> 'fence' AS fence,
            value ->> 'status' AS status, value ->> 'provider_message_id' AS provider_message_id,
            value ->> 'error' AS error,
            value ->> 'retry_in' AS retry_in, value ->> 'in_doubt' AS in_doubt, value ->> 'attempted' AS attempted
            FROM json_each(:rows))""",
    )
).bindparams(_MAILING)
_RECORD_POSTGRESQL = text(
    _RECORD.format(
        now="statement_timestamp()",
        only_attempt=_ONLY_ATTEMPT,
        erased=_ERASED,
        not_before="statement_timestamp() + v.retry_in * interval '1 microsecond'",
        values="""(SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
            customer_id bigint, fence integer, status text, provider_message_id text, error text,
            retry_in bigint, in_doubt integer, attempted integer))""",
    )
).bindparams(_MAILING, bindparam("rows", type_=Text()))


async def recount(tx: Transaction, batch: Batch) -> Stats:
    """Count the batch's deliveries anew, store the counts, and return them."""
    rows = await tx.execute(
        _RECOUNT,
        {
            "store": batch.store_id,
            "campaign": batch.mailing_id,
            "batch": batch.number,
            "first": batch.first_customer_id,
            "last": batch.last_customer_id,
        },
    )
    return Stats(**rows.mappings().one())


_NUMBERS = numbers(
    deliveries.c.store_id == bindparam("store"),
    deliveries.c.campaign_id == bindparam("campaign"),
    deliveries.c.customer_id.between(bindparam("first"), bindparam("last")),
).scalar_subquery()
_RECOUNT = (
    update(delivery_batches)
    .where(
        delivery_batches.c.store_id == bindparam("store"),
        delivery_batches.c.campaign_id == bindparam("campaign"),
        delivery_batches.c.number == bindparam("batch"),
    )
    .values({tuple_(*(delivery_batches.c[name] for name in COUNTED)): _NUMBERS})
    .returning(delivery_batches.c.recipients, *(delivery_batches.c[name] for name in COUNTED))
)


async def next_due_in(tx: Transaction, batch: Batch) -> float:
    """Return the seconds until the batch's next delivery is due; 0 when one is."""
    earliest = select(
        func.min(func.coalesce(deliveries.c.not_before, database_now(tx.dialect)), type_=Instant())
    ).where(*within(batch), deliveries.c.status == DeliveryStatus.PENDING.value)
    due_at: datetime | None = await tx.scalar(earliest)
    now: datetime = await tx.scalar(select(database_now(tx.dialect)))
    return 0 if due_at is None else max((due_at - now).total_seconds(), 0)


async def store_messages(tx: Transaction, batch: Batch, messages: Mapping[int, Mapping[str, object]]) -> None:
    """Store the messages that a channel without settings would have sent, by customer, but of who was erased.

    Their outcomes are recorded before: whoever erases a customer has waited for this transaction then, or was first.
    """
    if not messages:
        return
    known = deliveries.c.customer_id.in_(list(messages)), deliveries.c.address != ""
    known_ids = set((await tx.execute(select(deliveries.c.customer_id).where(*within(batch), *known))).scalars())
    rows = [
        {
            "store_id": batch.store_id,
            "campaign_id": batch.mailing_id,
            "customer_id": customer_id,
            "message": message,
        }
        for customer_id, message in messages.items()
        if customer_id in known_ids
    ]
    if rows:
        await tx.execute(insert_into(sandbox_messages, tx.dialect).on_conflict_do_nothing(), rows)


def within(batch: Batch) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of the batch's deliveries."""
    return (
        deliveries.c.store_id == batch.store_id,
        deliveries.c.campaign_id == batch.mailing_id,
        deliveries.c.customer_id.between(batch.first_customer_id, batch.last_customer_id),
    )
