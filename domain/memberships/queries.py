"""Statements on tracked segments and their members."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
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

from domain.changes.tables import customer_changes
from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, in_array, insert_into
from domain.kit.db.types import Id, Instant
from domain.memberships.model import MembershipMoves
from domain.memberships.tables import segment_memberships, tracked_segments

_t, _m, _c = tracked_segments.c, segment_memberships.c, customer_changes.c


@dataclass(frozen=True, slots=True)
class TrackedSegment:
    fingerprint: str
    next_eval_at: datetime | None


async def stores_due(tx: Transaction, now: datetime) -> list[int]:
    """Return the stores where customers have changed, or where a segment's time has come."""
    changed = select(_c.store_id).where(_c.due_at <= now).distinct()
    timed = select(_t.store_id).where(_t.next_eval_at <= now).distinct()
    return list((await tx.execute(union(changed, timed))).scalars())


async def tracked(tx: Transaction, store_id: int) -> dict[UUID, TrackedSegment]:
    rows = await tx.execute(select(_t.segment_id, _t.fingerprint, _t.next_eval_at).where(_t.store_id == store_id))
    return {row.segment_id: TrackedSegment(row.fingerprint, row.next_eval_at) for row in rows}


async def memberships_of(
    tx: Transaction, store_id: int, segment_ids: Sequence[UUID], ids: Sequence[int]
) -> dict[UUID, set[int]]:
    """Return which of these customers are known members of each of the segments."""
    members: dict[UUID, set[int]] = {segment_id: set() for segment_id in segment_ids}
    of_customers = (_m.store_id == store_id, in_array(_m.customer_id, "ids", tx.dialect))
    statement = select(_m.segment_id, _m.customer_id).where(*of_customers)
    for row in await tx.execute(statement, {"ids": array_value(ids, tx.dialect)}):
        if row.segment_id in members:
            members[row.segment_id].add(int(row.customer_id))
    return members


async def differences(
    tx: Transaction, store_id: int, segment_id: UUID, ids: Select[Any], limit: int
) -> MembershipMoves:
    """Return up to so many who match and are no known members, and up to so many of whom it is the other way round."""
    members = select(_m.customer_id).where(*_of(store_id, segment_id))
    joiners = (await tx.execute(except_(ids, members).limit(limit))).scalars()
    leavers = (await tx.execute(except_(members, ids).limit(limit))).scalars()
    return MembershipMoves(
        segment_id, [int(customer_id) for customer_id in joiners], [int(customer_id) for customer_id in leavers]
    )


def mismatched(store_id: int, segment_id: UUID, ids: Select[Any]) -> CompoundSelect[Any]:
    """Select who matches and is no known member, and of whom it is the other way round."""
    members = select(_m.customer_id).where(*_of(store_id, segment_id))
    matching = select(ids.subquery("matching").c[0].label("customer_id"))
    return union(
        select(except_(matching, members).subquery("joiners")), select(except_(members, matching).subquery("leavers"))
    )


async def insert_members(tx: Transaction, store_id: int, segment_id: UUID, ids: Sequence[int], now: datetime) -> None:
    row = {"store_id": store_id, "segment_id": segment_id, "since": now}
    if ids:
        await tx.execute(insert(segment_memberships), [{**row, "customer_id": customer_id} for customer_id in ids])


async def delete_members(tx: Transaction, store_id: int, segment_id: UUID, ids: Sequence[int]) -> None:
    if ids:
        members = (*_of(store_id, segment_id), in_array(_m.customer_id, "ids", tx.dialect))
        await tx.execute(delete(segment_memberships).where(*members), {"ids": array_value(ids, tx.dialect)})


async def replace_members(tx: Transaction, store_id: int, segment_id: UUID, ids: Select[Any], now: datetime) -> None:
    """Make the customers that the statement matches the members; those who were members before stay so since then."""
    matching = ids.subquery("found")
    gone = _m.customer_id.not_in(select(matching.c[0]))
    await tx.execute(delete(segment_memberships).where(*_of(store_id, segment_id), gone))
    segment = (literal(store_id, Integer()), literal(segment_id, Id()))
    members = select(_m.customer_id).where(*_of(store_id, segment_id))
    rows = select(*segment, matching.c[0], literal(now, Instant())).where(matching.c[0].not_in(members))
    names = ["store_id", "segment_id", "customer_id", "since"]
    await tx.execute(insert(segment_memberships).from_select(names, rows))


async def save_tracked(
    tx: Transaction, store_id: int, segment_id: UUID, fingerprint: str, now: datetime, next_eval: datetime | None
) -> None:
    row = {"store_id": store_id, "segment_id": segment_id, "fingerprint": fingerprint, "since": now}
    statement = insert_into(tracked_segments, tx.dialect).values(**row, next_eval_at=next_eval)
    changed = {"fingerprint": fingerprint, "next_eval_at": next_eval}
    await tx.execute(statement.on_conflict_do_update(index_elements=["store_id", "segment_id"], set_=changed))


async def schedule_eval(tx: Transaction, store_id: int, segment_ids: Iterable[UUID], due_at: datetime | None) -> None:
    tracked_rows = (_t.store_id == store_id, _t.segment_id.in_(list(segment_ids)))
    await tx.execute(update(tracked_segments).where(*tracked_rows).values(next_eval_at=due_at))


async def erase_members(tx: Transaction, store_id: int, segment_id: UUID, limit: int) -> None:
    """Delete up to so many members of a segment that is no longer tracked, and at last the segment's own row."""
    batch = select(_m.customer_id).where(*_of(store_id, segment_id)).order_by(_m.customer_id).limit(limit).subquery()
    last = select(func.max(batch.c.customer_id)).scalar_subquery()
    result = await tx.execute(delete(segment_memberships).where(*_of(store_id, segment_id), _m.customer_id <= last))
    if result.rowcount < limit:
        await tx.execute(delete(tracked_segments).where(_t.store_id == store_id, _t.segment_id == segment_id))


def _of(store_id: int, segment_id: UUID) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _m.store_id == store_id, _m.segment_id == segment_id
