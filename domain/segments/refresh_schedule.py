"""When segments' lists are due, set by set."""

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
    """The segments of each store whose lists are due, the longest due first. Inactive ones never are (RC-06)."""
    late = (segments.c.next_refresh_at <= now, segments.c.active)
    first = (
        select(segments.c.store_id, segments.c.id)
        .where(*late)
        .order_by(segments.c.next_refresh_at, segments.c.store_id, segments.c.id)
    )
    found: dict[int, list[UUID]] = {}
    for store_id, segment_id in await tx.execute(first.limit(limit)):
        found.setdefault(store_id, []).append(segment_id)
    return found


async def take(tx: Transaction, store_id: int, wanted: Sequence[UUID], now: datetime) -> list[DueSegment]:
    """Those of them that are due still, locked; what another scheduler, or a caller, holds just now is left to it."""
    late = (segments.c.store_id == store_id, segments.c.id.in_(wanted), segments.c.next_refresh_at <= now)
    rows = await tx.execute(select(segments).where(*late, segments.c.active).with_for_update(skip_locked=True))
    return [
        DueSegment(row.id, row.list_name, UpdatePolicy(UpdateMode(row.update_mode), row.every_days, row.started_on))
        for row in rows
    ]


_SET = (
    update(segments)
    .where(segments.c.store_id == bindparam("store"), segments.c.id == bindparam("segment", type_=Id()))
    .values(next_refresh_at=bindparam("due_at", type_=Instant()))
)


async def set_due(tx: Transaction, store_id: int, moments: Mapping[UUID, datetime | None]) -> None:
    await tx.execute(
        _SET, [{"store": store_id, "segment": segment_id, "due_at": at} for segment_id, at in moments.items()]
    )


async def move_days(tx: Transaction, store_id: int, was: str, becomes: str) -> None:
    """The store's days begin elsewhere: lists are due at 0:00 of the same days. Midnights, so there are few."""
    due_once = (segments.c.store_id == store_id, segments.c.next_refresh_at.is_not(None))
    moments = (await tx.execute(select(segments.c.next_refresh_at).where(*due_once).distinct())).scalars().all()
    if not moments:
        return
    moved = {at: midnight(day_of(at, was), becomes) for at in moments}
    shifted = case(*((segments.c.next_refresh_at == at, literal(to, Instant())) for at, to in moved.items()))
    await tx.execute(update(segments).where(*due_once).values(next_refresh_at=shifted))
