"""Actions on lists, and on segments together with their lists."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain.kit.clock import day_of, midnight
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode, NotFound
from domain.lists import build, queries
from domain.lists.build import ListBuild, ListRequest
from domain.lists.model import (
    CustomerList,
    ListStatus,
    RefreshState,
    check_deletable,
    check_name,
    refresh_blocked_by,
)
from domain.segments import actions as segment_actions
from domain.segments import queries as segments
from domain.segments import referrers
from domain.segments.compiler.select import static_ids
from domain.segments.model import Segment, SegmentInput, check_unused
from domain.segments.sql.scope import FilterScope
from domain.segments.validation import FilterContext


@dataclass(frozen=True, slots=True)
class NewSegment:
    """A segment that was created, and its first list, which a worker builds."""

    segment: Segment
    build: ListBuild


async def create_segment(tx: Transaction, context: FilterContext, input_: SegmentInput) -> NewSegment:
    """Create a segment and, at once, its first list (A1)."""
    segment = await segment_actions.create(tx, context, input_)
    return NewSegment(segment, await build.request_list(tx, segment, context.now))


async def duplicate_segment(tx: Transaction, context: FilterContext, segment_id: UUID, name: str | None) -> NewSegment:
    """Create a copy with a first list of its own; None: the name is proposed."""
    segment = await segment_actions.duplicate(tx, context, segment_id, name)
    return NewSegment(segment, await build.request_list(tx, segment, context.now))


async def delete_segment(tx: Transaction, store_id: int, segment_id: UUID) -> None:
    """Delete the segment for good, with all its lists (SL-02, SL-03); a worker deletes their members.

    Raise InUse while the filter of another segment refers to it, or to one of its lists.
    """
    await segment_actions.lock(tx, store_id, segment_id)
    check_unused("segment", "filter of", await referrers.of_segment(tx, store_id, segment_id))
    list_ids = await queries.remove_lists_of(tx, store_id, segment_id)
    await segments.remove(tx, store_id, segment_id)
    await build.request_erasure(tx, store_id, [segment_id, *list_ids])


async def refresh(tx: Transaction, context: FilterContext, segment_id: UUID) -> ListBuild:
    """Request the next list by hand: once a day, and not on the day the segment was made (SL-09 to SL-12).

    Raise DomainError with the code that `blocked_by` returns.
    """
    segment = await segment_actions.lock(tx, context.store.id, segment_id)
    [code] = await blocked_by(tx, context.store.id, [segment], context.store.timezone, context.now)
    if code is None:
        return await build.request_list(tx, segment, context.now)
    if code is ErrorCode.ALREADY_REFRESHED_TODAY:
        message = "A list is made once a day, and not on the day the segment was made: come back tomorrow"
    elif not segment.active:
        message = "The segment is inactive: activate it first"
    else:
        message = "A list of it is being made, or failed today: wait for it, or delete it"
    raise DomainError(message, field=("id",), code=code)


async def blocked_by(
    tx: Transaction, store_id: int, segments_: Sequence[Segment], timezone: str, now: datetime
) -> list[ErrorCode | None]:
    """Return why each segment cannot be refreshed by hand now; None when it can."""
    today = midnight(day_of(now, timezone), timezone)
    unfinished = await queries.unfinished(tx, store_id, [segment.id for segment in segments_], today)
    states = [
        RefreshState(
            segment.created_at,
            segment.last_refreshed_at,
            segment.active,
            generating_since=unfinished[segment.id].generating_since,
            failed_at=unfinished[segment.id].failed_at,
        )
        for segment in segments_
    ]
    return [refresh_blocked_by(state, now, timezone) for state in states]


async def rename(tx: Transaction, store_id: int, list_id: UUID, name: str) -> CustomerList:
    """Rename a list (SL-57); the lists to come are named as they would have been (SL-15)."""
    listed = await _existing(tx, store_id, list_id)
    renamed = replace(listed, name=check_name(name))
    await queries.rename(tx, store_id, list_id, renamed.name)
    return renamed


async def delete(tx: Transaction, store_id: int, list_id: UUID) -> None:
    """Delete any list but the first (SL-16), even while it is built; a worker deletes its members.

    Raise InUse while the filter of a segment refers to it.
    """
    check_deletable(await _existing(tx, store_id, list_id))
    check_unused("list", "filter of", await referrers.of_list(tx, store_id, list_id))
    if not await queries.remove(tx, store_id, list_id):
        raise _no_list()
    await build.request_erasure(tx, store_id, [list_id])


async def freeze_members(tx: Transaction, segment: Segment, timezone: str, now: datetime) -> CustomerList:
    """Return a list of a static segment's members at this moment: its latest one while that has just them."""
    await segment_actions.lock(tx, segment.store_id, segment.id)
    members = static_ids(segment.id, FilterScope(segment.store_id, timezone, now, tx.dialect))
    latest = await queries.latest(tx, segment.store_id, segment.id)
    if latest is not None and latest.usable(now) and await queries.has_members(tx, latest, members):
        return latest
    number = (await queries.next_numbers(tx, segment.store_id, [segment.id]))[segment.id]
    listed = build.new_list(segment.store_id, ListRequest(segment.id, segment.list_name), number, now)
    await queries.insert_all(tx, [listed])
    count = await queries.fill(tx, segment.store_id, listed.id, members)
    await queries.complete_build(tx, segment.store_id, listed.id, ListStatus.READY, count=count)
    return replace(listed, status=ListStatus.READY, count=count)


async def _existing(tx: Transaction, store_id: int, list_id: UUID) -> CustomerList:
    listed = await queries.by_id(tx, store_id, list_id)
    if listed is None:
        raise _no_list()
    return listed


def _no_list() -> NotFound:
    return NotFound("There is no such list", field=("id",))
