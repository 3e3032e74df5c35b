"""Every statement on followed segments and their members."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    delete,
    except_,
    func,
    insert,
    literal,
    select,
    union,
    update,
)

from domain.changes import ChangeKind
from domain.changes.tables import customer_changes
from domain.kit.db import Transaction
from domain.kit.db.portable import among, insert_into, numbers
from domain.kit.db.types import Id, Instant
from domain.memberships.tables import segment_memberships, tracked_segments

_f, _m, _c = tracked_segments.c, segment_memberships.c, customer_changes.c


@dataclass(frozen=True, slots=True)
class TrackedSegment:
    fingerprint: str
    next_eval_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChangeMark:
    """Customers from one number to another, and the kinds of what changed of them."""

    id: str
    kinds: int
    first: int
    last: int

    @property
    def width(self) -> int:
        """How many customers it names; none, when it only tells that segments changed."""
        return 0 if self.kinds == ChangeKind.SEGMENTS else self.last - self.first + 1


async def stores_due(tx: Transaction, now: datetime) -> list[int]:
    """Where customers have changed, or where time has passed for a segment."""
    changed = select(_c.store_id).where(_c.due_at <= now).distinct()
    timed = select(_f.store_id).where(_f.next_eval_at <= now).distinct()
    return list((await tx.execute(union(changed, timed))).scalars())


async def tracked(tx: Transaction, store_id: int) -> dict[UUID, TrackedSegment]:
    rows = await tx.execute(select(_f.segment_id, _f.fingerprint, _f.next_eval_at).where(_f.store_id == store_id))
    return {segment_id: TrackedSegment(*rest) for segment_id, *rest in rows}


async def marks(tx: Transaction, store_id: int, now: datetime, limit: int) -> list[ChangeMark]:
    due = select(_c.id, _c.kinds, _c.first_id, _c.last_id).where(_c.store_id == store_id, _c.due_at <= now)
    return [ChangeMark(*row) for row in await tx.execute(due.order_by(_c.due_at, _c.id).limit(limit))]


async def take(tx: Transaction, store_id: int, taken: Iterable[ChangeMark]) -> None:
    """These marks and no others: what changed meanwhile has marks of its own."""
    keys = [mark.id for mark in taken]
    for start in range(0, len(keys), 500):
        some = keys[start : start + 500]
        await tx.execute(delete(customer_changes).where(_c.store_id == store_id, _c.id.in_(some)))


async def among_members(
    tx: Transaction, store_id: int, segment_ids: Sequence[UUID], ids: Sequence[int]
) -> dict[UUID, set[int]]:
    """Who of these customers is known to be in which of the segments."""
    found: dict[UUID, set[int]] = {segment_id: set() for segment_id in segment_ids}
    own = (_m.store_id == store_id, among(_m.customer_id, "ids", tx.dialect))
    rows = await tx.execute(select(_m.segment_id, _m.customer_id).where(*own), {"ids": numbers(ids, tx.dialect)})
    for segment_id, customer in rows:
        if segment_id in found:
            found[segment_id].add(int(customer))
    return found


async def differences(
    tx: Transaction, store_id: int, segment_id: UUID, found: Select[Any], limit: int
) -> tuple[list[int], list[int]]:
    """Up to so many who are found and not known as members, and up to so many of whom it is the other way round."""
    there = select(_m.customer_id).where(_m.store_id == store_id, _m.segment_id == segment_id)
    came = (await tx.execute(except_(found, there).limit(limit))).scalars()
    gone = (await tx.execute(except_(there, found).limit(limit))).scalars()
    return [int(customer) for customer in came], [int(customer) for customer in gone]


async def take_in(tx: Transaction, store_id: int, segment_id: UUID, ids: Sequence[int], now: datetime) -> None:
    owner = {"store_id": store_id, "segment_id": segment_id, "since": now}
    if ids:
        await tx.execute(insert(segment_memberships), [{**owner, "customer_id": customer} for customer in ids])


async def take_out(tx: Transaction, store_id: int, segment_id: UUID, ids: Sequence[int]) -> None:
    if ids:
        own = (*_of(store_id, segment_id), among(_m.customer_id, "ids", tx.dialect))
        await tx.execute(delete(segment_memberships).where(*own), {"ids": numbers(ids, tx.dialect)})


async def seed(tx: Transaction, store_id: int, segment_id: UUID, found: Select[Any], now: datetime) -> None:
    """The members become those whom the statement finds; who was there stays since when he was."""
    those = found.subquery("found")
    await tx.execute(
        delete(segment_memberships).where(*_of(store_id, segment_id), _m.customer_id.not_in(select(those.c[0])))
    )
    owner = (literal(store_id, Integer()), literal(segment_id, Id()))
    there = select(_m.customer_id).where(*_of(store_id, segment_id))
    rows = select(*owner, those.c[0], literal(now, Instant())).where(those.c[0].not_in(there))
    names = ["store_id", "segment_id", "customer_id", "since"]
    await tx.execute(insert(segment_memberships).from_select(names, rows))


async def follow(
    tx: Transaction, store_id: int, segment_id: UUID, fingerprint: str, now: datetime, again: datetime | None
) -> None:
    row = {"store_id": store_id, "segment_id": segment_id, "fingerprint": fingerprint, "since": now}
    statement = insert_into(tracked_segments, tx.dialect).values(**row, next_eval_at=again)
    changed = {"fingerprint": fingerprint, "next_eval_at": again}
    await tx.execute(statement.on_conflict_do_update(index_elements=["store_id", "segment_id"], set_=changed))


async def look_again(tx: Transaction, store_id: int, segment_ids: Iterable[UUID], at: datetime | None) -> None:
    own = (_f.store_id == store_id, _f.segment_id.in_(list(segment_ids)))
    await tx.execute(update(tracked_segments).where(*own).values(next_eval_at=at))


async def erase(tx: Transaction, store_id: int, segment_id: UUID, limit: int) -> bool:
    """Removes up to so many members of a segment that is not followed any more, and at last the segment's own row."""
    last = select(_m.customer_id).where(*_of(store_id, segment_id)).order_by(_m.customer_id).limit(limit).subquery()
    upto = select(func.max(last.c.customer_id)).scalar_subquery()
    gone = await tx.execute(delete(segment_memberships).where(*_of(store_id, segment_id), _m.customer_id <= upto))
    if gone.rowcount >= limit:
        return False
    await tx.execute(delete(tracked_segments).where(_f.store_id == store_id, _f.segment_id == segment_id))
    return True


def _of(store_id: int, segment_id: UUID) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _m.store_id == store_id, _m.segment_id == segment_id
