"""Intents: what is about to be handed over is committed before its first byte."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from muster_sdk import AddressKind
from sqlalchemy import Select, Update, and_, bindparam, case, literal, or_, select, update

from domain.customers.tables import contacts, customers
from domain.deliveries.audience import Audience, exclusion_reasons
from domain.deliveries.model import AcceptMarketing, Batch, DeliveryStatus, ExclusionReason
from domain.deliveries.tables import deliveries
from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, database_now, in_array


@dataclass(frozen=True, slots=True)
class Intended:
    """A delivery that is about to be handed over: its intent is committed."""

    customer_id: int
    address: str
    attempts: int


async def intend(tx: Transaction, part: Batch, fence: int, audience: Audience, limit: int) -> list[Intended]:
    """Commit to handing over the next due deliveries, at most `limit`; who objects by now is skipped.

    Consent, blacklist and deletion are read after the customers' rows are locked, and whoever changes one of these
    changes the customer's row too: no intent follows an opt-out.
    """
    place = {"store": part.store_id, "campaign": part.campaign_id}
    ends = {"first": part.first_customer_id, "last": part.last_customer_id, "limit": limit}
    chosen: Sequence[int] = (await tx.execute(_choice(tx.dialect), place | ends)).scalars().all()
    if not chosen:
        return []
    ids = array_value(chosen, tx.dialect)
    asked = {"store": part.store_id, "channel": audience.channel, "ids": ids}
    objecting = await tx.execute(_objections(tx.dialect, audience.address, audience.accept_marketing), asked)
    refused = [{"refused": customer_id, "reason": reason} for customer_id, reason in objecting]
    for one in refused:
        await tx.execute(_skip(tx.dialect), place | one)
    rows = await tx.execute(_commit(tx.dialect), {**place, "ids": ids, "now_fence": fence})
    return sorted((Intended(*row) for row in rows), key=lambda intended: intended.customer_id)


@cache
def _choice(dialect: str) -> Select[int]:
    """The next due deliveries' customers, locked against changes of what may speak against a message."""
    due = or_(deliveries.c.not_before.is_(None), deliveries.c.not_before <= database_now(dialect))
    chosen = (
        select(deliveries.c.customer_id)
        .where(
            *_of_campaign(),
            deliveries.c.customer_id.between(bindparam("first"), bindparam("last")),
            deliveries.c.status == DeliveryStatus.PENDING.value,
            due,
        )
        .order_by(deliveries.c.customer_id)
        .limit(bindparam("limit"))
    )
    if dialect != "postgresql":
        return chosen
    return (
        select(customers.c.id)
        .where(customers.c.store_id == bindparam("store"), customers.c.id.in_(chosen))
        .order_by(customers.c.id)
        .with_for_update(read=True, of=customers)
    )


@cache
def _objections(dialect: str, kind: AddressKind, accept_marketing: AcceptMarketing) -> Select[Any, Any]:
    """Those of the customers who object by now, and to what."""
    of_channel = and_(
        contacts.c.store_id == bindparam("store"),
        contacts.c.customer_id == customers.c.id,
        contacts.c.channel == bindparam("channel"),
    )
    objections = [
        (condition, literal(reason.value))
        for condition, reason in exclusion_reasons(kind, accept_marketing)
        # The address was frozen with the recipients.
        if reason is not ExclusionReason.NO_ADDRESS
    ]
    return (
        select(customers.c.id, case(*objections))
        .select_from(customers.outerjoin(contacts, of_channel))
        .where(
            customers.c.store_id == bindparam("store"),
            in_array(customers.c.id, "ids", dialect),
            or_(*(condition for condition, _ in objections)),
        )
    )


@cache
def _skip(dialect: str) -> Update:
    return (
        update(deliveries)
        .where(*_of_campaign(), deliveries.c.customer_id == bindparam("refused"))
        .where(deliveries.c.status == DeliveryStatus.PENDING.value)
        .values(status=DeliveryStatus.SKIPPED.value, error=bindparam("reason"), updated_at=database_now(dialect))
    )


@cache
def _commit(dialect: str) -> Any:
    return (
        update(deliveries)
        .where(
            *_of_campaign(),
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


def _of_campaign() -> tuple[Any, Any]:
    return deliveries.c.store_id == bindparam("store"), deliveries.c.campaign_id == bindparam("campaign")
