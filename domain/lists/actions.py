"""What callers do with lists, and with segments that have them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.kit.clock import day_of, midnight
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode, NotFound
from domain.lists import build, queries
from domain.lists.build import ListBuild, ListRequest
from domain.lists.model import CustomerList, ListStatus, check_deletable, check_name
from domain.segments import actions as segment_actions
from domain.segments import queries as segments
from domain.segments import referrers
from domain.segments.evaluation.resolve import ids_of
from domain.segments.model import Refreshes, Segment, SegmentInput, check_unused, refresh_blocked_by
from domain.segments.validation import FilterContext


async def create_segment(tx: Transaction, desk: FilterContext, given: SegmentInput) -> tuple[Segment, ListBuild]:
    """A new segment and, at once, its first list (A1)."""
    segment = await segment_actions.create(tx, desk, given)
    return segment, await build.start(tx, segment, desk.now)


async def duplicate_segment(
    tx: Transaction, desk: FilterContext, segment_id: UUID, name: str | None
) -> tuple[Segment, ListBuild]:
    """A copy with a first list of its own; `name` is proposed when it is None."""
    segment = await segment_actions.duplicate(tx, desk, segment_id, name)
    return segment, await build.start(tx, segment, desk.now)


async def delete_segment(tx: Transaction, store_id: int, segment_id: UUID) -> None:
    """Delete the segment for good, with all its lists (SL-02, SL-03); a worker removes their members.

    Raise InUse while the filter of another segment refers to it, or to one of its lists.
    """
    await segment_actions.held(tx, store_id, segment_id)
    check_unused("segment", "filter of", await referrers.of_segment(tx, store_id, segment_id))
    gone = await segments.remove(tx, store_id, segment_id)
    await build.leave_members(tx, store_id, [segment_id, *gone])


async def refresh(tx: Transaction, desk: FilterContext, segment_id: UUID) -> ListBuild:
    """The next list, by hand: once a day, and not on the day the segment was made (SL-09 to SL-12)."""
    segment = await segment_actions.held(tx, desk.shop.id, segment_id)
    [why] = await blocked_by(tx, desk.shop.id, [segment], desk.shop.timezone, desk.now)
    if why is not None:
        raise DomainError(_why(why, active=segment.active), field=("id",), code=why)
    return await build.start(tx, segment, desk.now)


async def blocked_by(
    tx: Transaction, store_id: int, wanted: Sequence[Segment], timezone: str, now: datetime
) -> list[ErrorCode | None]:
    """Why each segment cannot be refreshed by hand now; None when it can."""
    today = midnight(day_of(now, timezone), timezone)
    unsettled = await queries.unsettled(tx, store_id, [segment.id for segment in wanted], today)
    return [refresh_blocked_by(_refreshes(segment, unsettled[segment.id]), now, timezone) for segment in wanted]


async def rename(tx: Transaction, store_id: int, list_id: UUID, name: str) -> CustomerList:
    """SL-57; the lists to come are called as they would have been (SL-15)."""
    listed = await _existing(tx, store_id, list_id)
    renamed = replace(listed, name=check_name(name))
    await queries.rename(tx, store_id, list_id, renamed.name)
    return renamed


async def delete(tx: Transaction, store_id: int, list_id: UUID) -> None:
    """Delete any list but the first (SL-16), be it still in the making; a worker removes its members.

    Raise InUse while the filter of a segment refers to it.
    """
    check_deletable(await _existing(tx, store_id, list_id))
    check_unused("list", "filter of", await referrers.of_list(tx, store_id, list_id))
    await queries.remove(tx, store_id, list_id)
    await build.leave_members(tx, store_id, [list_id])


async def of_members_now(tx: Transaction, segment: Segment, timezone: str, now: datetime) -> CustomerList:
    """A list of a static segment's members at this moment: its latest one while that holds just them."""
    await segment_actions.held(tx, segment.store_id, segment.id)
    found = await ids_of(tx, segment, timezone, now)
    latest = await queries.latest(tx, segment.store_id, segment.id)
    if latest is not None and latest.usable(now) and await queries.has_members(tx, latest, found):
        return latest
    number = (await queries.next_numbers(tx, segment.store_id, [segment.id]))[segment.id]
    listed = build.blank(segment.store_id, ListRequest(segment.id, segment.list_name), number, now)
    await queries.add_all(tx, [listed])
    count = await queries.fill(tx, segment.store_id, listed.id, found)
    await queries.settle(tx, segment.store_id, listed.id, ListStatus.READY, count=count)
    return replace(listed, status=ListStatus.READY, count=count)


async def _existing(tx: Transaction, store_id: int, list_id: UUID) -> CustomerList:
    found = await queries.by_id(tx, store_id, list_id)
    if found is None:
        raise NotFound("There is no such list", field=("id",))
    return found


def _refreshes(segment: Segment, unsettled: Sequence[tuple[ListStatus, datetime]]) -> Refreshes:
    return Refreshes(
        segment.created_at,
        segment.last_refreshed_at,
        segment.active,
        generating_since=[begun for status, begun in unsettled if status is ListStatus.GENERATING],
        failed_at=[begun for status, begun in unsettled if status is ListStatus.FAILED],
    )


def _why(code: ErrorCode, *, active: bool) -> str:
    if code is ErrorCode.ALREADY_REFRESHED_TODAY:
        return "A list is made once a day, and not on the day the segment was made: come back tomorrow"
    if not active:
        return "The segment is inactive: activate it first"
    return "A list of it is being made, or failed today: wait for it, or delete it"
