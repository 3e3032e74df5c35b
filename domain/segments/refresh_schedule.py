"""Statements on when segments' lists are due, many at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, case, literal, select, update

from domain.kit.clock import day_of, midnight
from domain.kit.db import Transaction
from domain.kit.db.types import Id, Instant
from domain.segments.model import UpdateMode, UpdatePolicy
from domain.segments.tables import segments


@dataclass(frozen=True, slots=True)
class DueSegment:
    """A segment whose list is due, as much of it as making the list takes."""

    segment_id: UUID
    list_name: str
    policy: UpdatePolicy


async def due(tx: Transaction, now: datetime, limit: int) -> dict[int, list[UUID]]:
    """Return the segments of each store whose lists are due, the longest due first; never inactive ones (RC-06)."""
    late = (segments.c.next_refresh_at <= now, segments.c.active)
    longest_due = (
        select(segments.c.store_id, segments.c.id)
        .where(*late)
        .order_by(segments.c.next_refresh_at, segments.c.store_id, segments.c.id)
        .limit(limit)
    )
    by_store: dict[int, list[UUID]] = {}
    for row in await tx.execute(longest_due):
        by_store.setdefault(row.store_id, []).append(row.id)
    return by_store


async def lock_due(tx: Transaction, store_id: int, segment_ids: Sequence[UUID], now: datetime) -> list[DueSegment]:
    """Return those that are still due, locked, without those that another transaction has locked."""
    late = (segments.c.store_id == store_id, segments.c.id.in_(segment_ids), segments.c.next_refresh_at <= now)
    rows = await tx.execute(select(segments).where(*late, segments.c.active).with_for_update(skip_locked=True))
    return [
        DueSegment(row.id, row.list_name, UpdatePolicy(UpdateMode(row.update_mode), row.every_days, row.started_on))
        for row in rows
    ]


async def set_due(tx: Transaction, store_id: int, moments: Mapping[UUID, datetime | None]) -> None:
    statement = (
        update(segments)
        .where(segments.c.store_id == bindparam("store"), segments.c.id == bindparam("segment", type_=Id()))
        .values(next_refresh_at=bindparam("due_at", type_=Instant()))
    )
    rows = [{"store": store_id, "segment": segment_id, "due_at": due_at} for segment_id, due_at in moments.items()]
    await tx.execute(statement, rows)


async def change_timezone(tx: Transaction, store_id: int, old: str, new: str) -> None:
    """Move what is due to 0:00 of the same days in the store's new timezone."""
    scheduled = (segments.c.store_id == store_id, segments.c.next_refresh_at.is_not(None))
    # Midnights, so there are few.
    moments = (await tx.execute(select(segments.c.next_refresh_at).where(*scheduled).distinct())).scalars().all()
    if not moments:
        return
    moved = {moment: midnight(day_of(moment, old), new) for moment in moments}
    shifted = case(*((segments.c.next_refresh_at == was, literal(to, Instant())) for was, to in moved.items()))
    await tx.execute(update(segments).where(*scheduled).values(next_refresh_at=shifted))
