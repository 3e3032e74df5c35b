"""The members of static segments: picked by hand, or all whom a filter finds at one moment."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Select, select

from domain.customers.model import UNSET
from domain.customers.tables import customers
from domain.db import Transaction
from domain.errors import DomainError, ErrorCode, Faults, NotFound
from domain.segments import references, store
from domain.segments.conditions.columns import one_of
from domain.segments.conditions.scope import Scope
from domain.segments.drafting import Desk, define
from domain.segments.finding import found_by
from domain.segments.model import Segment, SegmentInput

_MOST_SHOWN = 100


async def chosen(tx: Transaction, desk: Desk, given: SegmentInput) -> Select[int] | None:
    """Whom the caller gives as the first members; None for nobody yet."""
    by_hand = None if given.customer_ids is UNSET else given.customer_ids
    by_filter = any(raw is not UNSET and raw is not None for raw in (given.include, given.exclude, given.query))
    if by_hand is not None and by_filter:
        raise DomainError("Give either customerIds or a filter", field=("customerIds",))
    if by_hand is not None:
        return await _by_hand(tx, desk, by_hand)
    if not by_filter:
        return None
    definition = define(desk, given)
    faults = await references.faults(tx, desk.shop.id, definition, None)
    if faults:
        raise Faults(faults)
    return await found_by(tx, desk.shop.id, definition, desk.shop.timezone, desk.now)


async def add(tx: Transaction, desk: Desk, segment: Segment, found: Select[int]) -> int:
    """Adds customers to a static segment: all of them, or none when they do not fit (QS-02, QS-14)."""
    limit = desk.shop.limits.static_segment_members
    room = max(0, limit - await store.picked(tx, segment.store_id, segment.id))
    added = await store.pick(tx, segment.store_id, segment.id, found, room + 1)
    if added > room:
        message = f"A static segment holds {limit:,} members at most: {room:,} would fit, and these are more"
        raise DomainError(message, field=("customerIds",), code=ErrorCode.LIMIT_EXCEEDED)
    return added


async def _by_hand(tx: Transaction, desk: Desk, wanted: Sequence[int]) -> Select[int]:
    live = await store.live_customers(tx, desk.shop.id, wanted)
    unknown = [index for index, customer_id in enumerate(wanted) if customer_id not in live]
    if unknown:
        raise Faults(
            [NotFound("There is no such customer", field=("customerIds", index)) for index in unknown[:_MOST_SHOWN]]
        )
    scope = Scope(desk.shop.id, desk.shop.timezone, desk.now, tx.dialect)
    picked = one_of(customers.c.id, list(live), BigInteger(), scope) if live else customers.c.id.is_(None)
    return select(customers.c.id).where(customers.c.store_id == desk.shop.id, picked)
