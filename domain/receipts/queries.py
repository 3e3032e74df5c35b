"""Every statement on receipts that wait."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from muster_sdk import ReceiptKind
from sqlalchemy import and_, bindparam, delete, exists, func, select, update

from domain.campaigns.tables import campaigns
from domain.deliveries.tables import message_references
from domain.kit.db import Transaction
from domain.kit.db.portable import database_later, database_now
from domain.receipts.tables import receipts
from domain.stores.tables import stores

# From then on a receipt belongs to no message of ours.
PATIENCE = timedelta(hours=72)
_FIRST_WAIT, _LAST_WAIT = timedelta(seconds=5), timedelta(hours=3)
_c = receipts.c


@dataclass(frozen=True, slots=True)
class WaitingReceipt:
    """A receipt, and the message that it is about as far as that is known."""

    channel: str
    identity: bytes
    kind: ReceiptKind
    at: datetime
    reason: str | None
    url: str | None
    received_at: datetime
    campaign_id: UUID | None
    customer_id: int | None


async def stores_with_due(tx: Transaction) -> list[int]:
    """Return the stores that have receipts to fold."""
    is_due = exists().where(_c.store_id == stores.c.id, _c.next_at <= database_now(tx.dialect))
    return list((await tx.execute(select(stores.c.id).where(is_due).order_by(stores.c.id))).scalars())


async def ended_with_names(tx: Transaction, age: timedelta, limit: int) -> list[tuple[int, UUID]]:
    """Return campaigns of all stores that ended so long ago and whose messages still have names, by store and id."""
    key = campaigns.c.store_id, campaigns.c.id
    named = message_references.c
    has_names = exists().where(named.store_id == campaigns.c.store_id, named.campaign_id == campaigns.c.id)
    is_old = campaigns.c.finished_at < database_later(-age.total_seconds(), tx.dialect)
    rows = await tx.execute(select(*key).where(is_old, has_names).order_by(*key).limit(limit))
    return [(row.store_id, row.id) for row in rows]


async def due(tx: Transaction, store_id: int, limit: int) -> list[WaitingReceipt]:
    """Return the receipts that are due longest."""
    named = message_references.c
    same = and_(named.store_id == _c.store_id, named.channel == _c.channel, named.reference == _c.reference)
    waiting = (
        select(
            _c.channel,
            _c.identity,
            _c.kind,
            _c.at,
            _c.reason,
            _c.url,
            _c.received_at,
            func.coalesce(_c.campaign_id, named.campaign_id).label("campaign_id"),
            func.coalesce(_c.customer_id, named.customer_id).label("customer_id"),
        )
        .select_from(receipts.outerjoin(message_references, same))
        .where(_c.store_id == store_id, _c.next_at <= database_now(tx.dialect))
        .order_by(_c.next_at, _c.channel, _c.identity)
        .limit(limit)
    )
    return [
        WaitingReceipt(
            row.channel,
            bytes(row.identity),
            ReceiptKind(row.kind),
            row.at,
            row.reason,
            row.url,
            row.received_at,
            row.campaign_id,
            row.customer_id,
        )
        for row in await tx.execute(waiting)
    ]


async def remove(tx: Transaction, store_id: int, removed: Collection[WaitingReceipt]) -> None:
    if removed:
        await tx.execute(_REMOVE.where(_c.store_id == store_id), [_key(receipt) for receipt in removed])


async def postpone(tx: Transaction, store_id: int, waiting: Sequence[WaitingReceipt], now: datetime) -> None:
    """Have receipts tried again: soon at first, then when they are half as old again. `now`: the database's."""
    rows = [
        {**_key(receipt), "due": now + min(max((now - receipt.received_at) / 2, _FIRST_WAIT), _LAST_WAIT)}
        for receipt in waiting
    ]
    if rows:
        await tx.execute(_POSTPONE.where(_c.store_id == store_id), rows)


def _key(receipt: WaitingReceipt) -> dict[str, object]:
    return {"of_channel": receipt.channel, "is": receipt.identity}


_IS = (_c.channel == bindparam("of_channel"), _c.identity == bindparam("is"))
_REMOVE = delete(receipts).where(*_IS)
_POSTPONE = update(receipts).where(*_IS).values(next_at=bindparam("due"))
