"""Batches of deliveries: settled, counted, given up."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import (
    ColumnElement,
    Text,
    bindparam,
    func,
    select,
    text,
    tuple_,
    update,
)

from domain.deliveries.model import (
    COUNTS,
    Batch,
    DeliveryStatus,
    Stats,
    Verdict,
)
from domain.deliveries.tables import deliveries, delivery_batches, sandbox_messages
from domain.kit.db import Transaction
from domain.kit.db.portable import database_now, insert_into
from domain.kit.db.types import Instant

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


async def batch(tx: Transaction, store_id: int, campaign_id: UUID, number: int) -> Batch | None:
    row = (
        await tx.execute(
            select(delivery_batches.c.first_customer_id, delivery_batches.c.last_customer_id).where(
                delivery_batches.c.store_id == store_id,
                delivery_batches.c.campaign_id == campaign_id,
                delivery_batches.c.number == number,
            )
        )
    ).one_or_none()
    return None if row is None else Batch(store_id, campaign_id, number, *row)


async def resolve_interrupted(tx: Transaction, part: Batch, fence: int, *, idempotent: bool) -> int:
    """Settle what an earlier claim had under way: it may have been sent, so only a key makes it safe to try again."""
    status = DeliveryStatus.PENDING if idempotent else DeliveryStatus.UNKNOWN
    changed = await tx.execute(
        update(deliveries)
        .where(*_within(part), deliveries.c.status == DeliveryStatus.SENDING.value, deliveries.c.fence < fence)
        .values(status=status.value, error="its worker died while sending", updated_at=database_now(tx.dialect))
    )
    return changed.rowcount


async def abandon(tx: Transaction, part: Batch, reason: str) -> None:
    """Nothing more is tried of the batch."""
    await tx.execute(
        update(deliveries)
        .where(*_within(part), deliveries.c.status == DeliveryStatus.PENDING.value)
        .values(status=DeliveryStatus.FAILED.value, error=reason, updated_at=database_now(tx.dialect))
    )


async def record_outcomes(tx: Transaction, part: Batch, fence: int, verdicts: Mapping[int, Verdict]) -> None:
    """Write what became of the deliveries of one claim; what a later claim has taken over since is left to it."""
    if not verdicts:
        return
    rows = [
        [
            customer_id,
            verdict.status.value,
            verdict.provider_message_id,
            verdict.error,
            None if verdict.retry is None else int(verdict.retry.total_seconds() * 1_000_000),
        ]
        for customer_id, verdict in verdicts.items()
    ]
    statement = _SETTLE_POSTGRESQL if tx.dialect == "postgresql" else _SETTLE_SQLITE
    await tx.execute(
        statement,
        {
            "store_id": part.store_id,
            "campaign_id": part.campaign_id,
            "first": part.first_customer_id,
            "last": part.last_customer_id,
            "fence": fence,
            "rows": orjson.dumps(rows).decode(),
        },
    )


_SETTLE = """
UPDATE deliveries SET
    status = v.status,
    provider_message_id = coalesce(v.provider_message_id, deliveries.provider_message_id),
    error = v.error,
    not_before = {later},
    sent_at = CASE WHEN v.status = 'SENT' THEN {now} ELSE deliveries.sent_at END,
    updated_at = {now}
FROM ({values}) AS v
WHERE deliveries.store_id = :store_id AND deliveries.campaign_id = :campaign_id
  AND deliveries.customer_id BETWEEN :first AND :last
  AND deliveries.customer_id = v.customer_id AND deliveries.fence = :fence
  AND deliveries.status IN ('SENDING', 'UNKNOWN')
"""
_SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
_CAMPAIGN = bindparam("campaign_id", type_=deliveries.c.campaign_id.type)
_SETTLE_SQLITE = text(
    _SETTLE.format(
        now=_SQLITE_NOW,
        later=f"CASE WHEN v.retry IS NOT NULL THEN {_SQLITE_NOW} + v.retry END",
        values="""SELECT value ->> 0 AS customer_id, value ->> 1 AS status, value ->> 2 AS provider_message_id,
            value ->> 3 AS error, value ->> 4 AS retry FROM json_each(:rows)""",
    )
).bindparams(_CAMPAIGN)
_SETTLE_POSTGRESQL = text(
    _SETTLE.format(
        now="clock_timestamp()",
        later="clock_timestamp() + v.retry * interval '1 microsecond'",
        values="""SELECT (r ->> 0)::bigint AS customer_id, r ->> 1 AS status, r ->> 2 AS provider_message_id,
            r ->> 3 AS error, (r ->> 4)::bigint AS retry
            FROM jsonb_array_elements(CAST(:rows AS jsonb)) AS elements(r)""",
    )
).bindparams(_CAMPAIGN, bindparam("rows", type_=Text()))


async def recount(tx: Transaction, part: Batch) -> Stats:
    """Count the batch's deliveries anew, keep the counts, and return them."""
    place = {"store": part.store_id, "campaign": part.campaign_id, "batch": part.number}
    ends = {"first": part.first_customer_id, "last": part.last_customer_id}
    counted = (await tx.execute(_COUNT, place | ends)).one()
    return Stats(*counted)


def _number_in(*states: DeliveryStatus) -> ColumnElement[int]:
    return func.count().filter(deliveries.c.status.in_([state.value for state in states]))


_COUNTED = (
    select(
        _number_in(DeliveryStatus.PENDING, DeliveryStatus.SENDING),
        _number_in(DeliveryStatus.SENT, DeliveryStatus.DELIVERED),
        _number_in(DeliveryStatus.FAILED),
        _number_in(DeliveryStatus.UNKNOWN),
        _number_in(DeliveryStatus.SKIPPED),
    )
    .where(
        deliveries.c.store_id == bindparam("store"),
        deliveries.c.campaign_id == bindparam("campaign"),
        deliveries.c.customer_id.between(bindparam("first"), bindparam("last")),
    )
    .scalar_subquery()
)
_COUNT = (
    update(delivery_batches)
    .where(
        delivery_batches.c.store_id == bindparam("store"),
        delivery_batches.c.campaign_id == bindparam("campaign"),
        delivery_batches.c.number == bindparam("batch"),
    )
    .values({tuple_(*(delivery_batches.c[name] for name in COUNTS)): _COUNTED})
    .returning(delivery_batches.c.recipients, *(delivery_batches.c[name] for name in COUNTS))
)


async def next_due_in(tx: Transaction, part: Batch) -> float:
    """Seconds until the batch's next delivery is due; 0 when one is."""
    earliest = select(
        func.min(func.coalesce(deliveries.c.not_before, database_now(tx.dialect)), type_=Instant())
    ).where(*_within(part), deliveries.c.status == DeliveryStatus.PENDING.value)
    moment: datetime | None = await tx.scalar(earliest)
    now: datetime = await tx.scalar(select(database_now(tx.dialect)))
    return 0 if moment is None else max((moment - now).total_seconds(), 0)


async def keep_messages(tx: Transaction, part: Batch, messages: Mapping[int, Mapping[str, object]]) -> None:
    """Keep what a channel without settings would have sent."""
    rows = [
        {
            "store_id": part.store_id,
            "campaign_id": part.campaign_id,
            "customer_id": customer_id,
            "message": message,
        }
        for customer_id, message in messages.items()
    ]
    if rows:
        await tx.execute(insert_into(sandbox_messages, tx.dialect).on_conflict_do_nothing(), rows)


def _within(part: Batch) -> tuple[ColumnElement[bool], ...]:
    return (
        deliveries.c.store_id == part.store_id,
        deliveries.c.campaign_id == part.campaign_id,
        deliveries.c.customer_id.between(part.first_customer_id, part.last_customer_id),
    )
