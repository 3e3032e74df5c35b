"""Intents to send are committed before the first byte is handed over."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from muster_sdk import AddressKind
from sqlalchemy import Select, and_, bindparam, case, literal, or_, select, update

from domain.customers import objections
from domain.customers.tables import contacts, customers
from domain.deliveries.audience import exclusion_rules, objection
from domain.deliveries.mailing import Mailing
from domain.deliveries.model import AcceptMarketing, Batch, DeliveryStatus, ExclusionReason
from domain.deliveries.tables import deliveries
from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, database_now, in_array


@dataclass(frozen=True, slots=True)
class Intent:
    """A delivery that is about to be handed over."""

    customer_id: int
    address: str
    attempts: int


# What may have gone out before is not known to be left out.
_SKIPPED = case(
    (deliveries.c.in_doubt_since.is_not(None), DeliveryStatus.UNKNOWN.value), else_=DeliveryStatus.SKIPPED.value
)


async def commit_intents(
    tx: Transaction, batch: Batch, fence: int, mailing: Mailing, address: AddressKind, limit: int
) -> list[Intent]:
    """Mark the next due deliveries as SENDING, at most `limit`, and return them; excluded customers are skipped.

    Consent, blacklist and deletion are read after the customers' rows are locked, and whatever changes one of these
    changes the customer's row too; what addresses object to is read when nobody can add to it: no intent follows an
    opt-out.
    """
    keys = {"store": batch.store_id, "campaign": batch.mailing_id}
    bounds = {"first": batch.first_customer_id, "last": batch.last_customer_id, "limit": limit}
    customer_ids: Sequence[int] = (await tx.execute(_lock_due(tx.dialect), keys | bounds)).scalars().all()
    if not customer_ids:
        return []
    await objections.lock_out(tx, batch.store_id)
    ids = array_value(customer_ids, tx.dialect)
    excluded = await tx.execute(
        _excluded(tx.dialect, address, mailing.accept_marketing),
        {**keys, "channel": mailing.channel, "ids": ids},
    )
    skip = update(deliveries).where(
        *_of_mailing(),
        deliveries.c.customer_id == bindparam("customer"),
        deliveries.c.status == DeliveryStatus.PENDING.value,
    )
    for row in excluded.all():
        values = {"status": _SKIPPED, "error": row.reason, "updated_at": database_now(tx.dialect)}
        await tx.execute(skip.values(values), {**keys, "customer": row.id})
    rows = await tx.execute(_mark_sending(tx.dialect), {**keys, "ids": ids, "now_fence": fence})
    intents = [Intent(row.customer_id, row.address, row.attempts) for row in rows]
    return sorted(intents, key=lambda intent: intent.customer_id)


@cache
def _lock_due(dialect: str) -> Select[int]:
    """Return a statement of the next due deliveries' customers that locks what could exclude them."""
    due = or_(deliveries.c.not_before.is_(None), deliveries.c.not_before <= database_now(dialect))
    customer_ids = (
        select(deliveries.c.customer_id)
        .where(
            *_of_mailing(),
            deliveries.c.customer_id.between(bindparam("first"), bindparam("last")),
            deliveries.c.status == DeliveryStatus.PENDING.value,
            due,
        )
        .order_by(deliveries.c.customer_id)
        .limit(bindparam("limit"))
    )
    if dialect != "postgresql":
        return customer_ids
    return (
        select(customers.c.id)
        .where(customers.c.store_id == bindparam("store"), customers.c.id.in_(customer_ids))
        .order_by(customers.c.id)
        .with_for_update(read=True, of=customers)
    )


@cache
def _excluded(dialect: str, kind: AddressKind, accept_marketing: AcceptMarketing) -> Select[Any, Any]:
    """Return a statement of the customers who are excluded by now, and why."""
    of_channel = and_(
        contacts.c.store_id == bindparam("store"),
        contacts.c.customer_id == customers.c.id,
        contacts.c.channel == bindparam("channel"),
    )
    rules = [
        rule
        for rule in exclusion_rules(kind, accept_marketing)
        # The address was frozen with the recipients.
        if rule.reason is not ExclusionReason.NO_ADDRESS
    ]
    reason = case(
        *((rule.condition, literal(rule.reason.value)) for rule in rules),
        else_=objection(customers.c.store_id, deliveries.c.address, bindparam("channel")),
    )
    of_customer = and_(*_of_mailing(), deliveries.c.customer_id == customers.c.id)
    reasons = (
        select(customers.c.id, reason.label("reason"))
        .select_from(customers.outerjoin(contacts, of_channel).join(deliveries, of_customer))
        .where(customers.c.store_id == bindparam("store"), in_array(customers.c.id, "ids", dialect))
        .subquery("reasons")
    )
    return select(reasons).where(reasons.c.reason.is_not(None))


@cache
def _mark_sending(dialect: str) -> Any:
    return (
        update(deliveries)
        .where(
            *_of_mailing(),
            in_array(deliveries.c.customer_id, "ids", dialect),
            deliveries.c.status == DeliveryStatus.PENDING.value,
        )
        .values(
            status=DeliveryStatus.SENDING.value,
            attempts=deliveries.c.attempts + 1,
            fence=bindparam("now_fence"),
            not_before=None,
            updated_at=database_now(dialect),
        )
        .returning(deliveries.c.customer_id, deliveries.c.address, deliveries.c.attempts)
    )


def _of_mailing() -> tuple[Any, Any]:
    return deliveries.c.store_id == bindparam("store"), deliveries.c.campaign_id == bindparam("campaign")
