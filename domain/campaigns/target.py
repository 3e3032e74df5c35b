"""A campaign's target: a list, or a segment for one of its lists."""

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


async def resolve(tx: Transaction, store_id: int, target: Target, now: datetime) -> CustomerList | Segment:
    """Return the list that the target means now, or the static segment.

    Raise NotFound when there is none, and DomainError when it is expired or inactive (SL-18, RC-06).
    """
    try:
        if target.list_id is not None:
            return _selectable(await lists.by_id(tx, store_id, target.list_id), "There is no such list", now)
        segment = target.segment_id and await segments.by_id(tx, store_id, target.segment_id)
        if segment and segment.kind is SegmentKind.STATIC and segment.active:
            return segment
        latest = segment and await lists.latest(tx, store_id, segment.id)
        return _selectable(latest or None, "There is no such segment, or it has no list", now)
    except DomainError as error:
        raise error.under("segmentId" if target.list_id is None else "listId") from None


async def resolve_to_list(tx: Transaction, store_id: int, target: Target, now: datetime) -> CustomerList:
    """Return the list that a campaign is locked to from now on; a static segment's members now become one (SP-06)."""
    resolved = await resolve(tx, store_id, target, now)
    if isinstance(resolved, CustomerList):
        return resolved
    store = await stores.by_id(tx, store_id)
    assert store is not None
    return await list_actions.of_members_now(tx, resolved, store.timezone, now)


def _selectable(customer_list: CustomerList | None, missing: str, now: datetime) -> CustomerList:
    if customer_list is None:
        raise NotFound(missing)
    check_selectable(customer_list, now)
    return customer_list
