"""What a campaign is aimed at: a list, or a segment for one of its lists."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.kit.db import Transaction
from domain.kit.errors import DomainError, NotFound
from domain.lists import actions as list_actions
from domain.lists import queries as lists
from domain.lists.model import CustomerList, check_selectable
from domain.segments import queries as segments
from domain.segments.model import Segment, SegmentKind
from domain.stores import queries as stores


@dataclass(frozen=True, slots=True)
class Target:
    """A list; or a segment, for its latest list, or for a static one's members now."""

    list_id: UUID | None = None
    segment_id: UUID | None = None


async def aimed_at(tx: Transaction, store_id: int, target: Target, now: datetime) -> CustomerList | Segment:
    """The list that a target means now, or a static segment; expired and inactive ones are refused (SL-18, RC-06)."""
    try:
        if target.list_id is not None:
            return _selectable(await lists.by_id(tx, store_id, target.list_id), "no such list", now)
        segment = target.segment_id and await segments.by_id(tx, store_id, target.segment_id)
        if segment and segment.kind is SegmentKind.STATIC and segment.active:
            return segment
        latest = segment and await lists.latest(tx, store_id, segment.id)
        return _selectable(latest or None, "no such segment, or no list of it", now)
    except DomainError as error:
        raise error.under("segmentId" if target.list_id is None else "listId") from None


async def target_list(tx: Transaction, store_id: int, target: Target, now: datetime) -> CustomerList:
    """The list that something is locked to from now on; a static segment's members now are made one (SP-06)."""
    found = await aimed_at(tx, store_id, target, now)
    if isinstance(found, CustomerList):
        return found
    shop = await stores.by_id(tx, store_id)
    assert shop is not None
    return await list_actions.freeze_members(tx, found, shop.timezone, now)


def _selectable(found: CustomerList | None, nothing: str, now: datetime) -> CustomerList:
    if found is None:
        raise NotFound(nothing)
    check_selectable(found, now)
    return found
