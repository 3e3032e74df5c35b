"""The members of static segments: picked by hand, or all whom a filter finds at one moment."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Select, select

from domain.customers.tables import customers
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, DomainErrors, ErrorCode, NotFound, Path
from domain.kit.values import UNSET
from domain.segments import queries
from domain.segments.evaluation import references
from domain.segments.evaluation.resolve import select_ids
from domain.segments.filters import Definition
from domain.segments.model import Segment, SegmentInput
from domain.segments.sql.columns.values import one_of
from domain.segments.validation import FilterContext, define

_MOST_SHOWN = 100


async def chosen(tx: Transaction, desk: FilterContext, given: SegmentInput) -> Select[int] | None:
    """Whom the caller gives as the first members; None for nobody yet."""
    by_hand = None if given.customer_ids is UNSET else given.customer_ids
    by_filter = any(raw is not UNSET and raw is not None for raw in (given.include, given.exclude, given.query))
    if by_hand is not None and by_filter:
        raise DomainError("Give either customerIds or a filter", field=("customerIds",))
    if by_hand is not None:
        return await by_numbers(tx, desk, by_hand)
    return await found_now(tx, desk, define(desk, given)) if by_filter else None


def named(given: SegmentInput) -> Path:
    """By which field the caller gives the first members."""
    fields = {"customerIds": given.customer_ids, "query": given.query}
    return (next((name for name, raw in fields.items() if raw is not UNSET and raw is not None), "include"),)


async def found_now(tx: Transaction, desk: FilterContext, definition: Definition) -> Select[int]:
    """All whom a definition finds at this moment."""
    faults = await references.faults(tx, desk.shop.id, definition, None)
    if faults:
        raise DomainErrors(faults)
    return await select_ids(tx, definition, desk.scope(tx), desk.extensions)


async def by_numbers(tx: Transaction, desk: FilterContext, wanted: Sequence[int]) -> Select[int]:
    """Customers picked one by one."""
    live = await _known(tx, desk, wanted)
    picked = one_of(customers.c.id, list(live), BigInteger(), desk.scope(tx)) if live else customers.c.id.is_(None)
    return select(customers.c.id).where(customers.c.store_id == desk.shop.id, picked)


async def add(
    tx: Transaction, desk: FilterContext, segment: Segment, found: Select[int], field: Path = ("customerIds",)
) -> int:
    """Adds customers to a static segment: all of them, or none when they do not fit (QS-02, QS-14)."""
    limit = desk.shop.limits.static_segment_members
    there = await queries.picked(tx, segment.store_id, segment.id)
    room = max(0, limit - there)
    added = await queries.pick(tx, segment.store_id, segment.id, found, room + 1)
    if added > room:
        wanted = added + await queries.others(tx, segment.store_id, segment.id, found)
        message = f"A static segment holds {limit:,} members at most: {there:,} are in it, {room:,} would fit"
        raise DomainError(f"{message}, and these are {wanted:,}", field=field, code=ErrorCode.LIMIT_EXCEEDED)
    return added


async def remove(tx: Transaction, desk: FilterContext, segment: Segment, wanted: Sequence[int]) -> int:
    """Removes customers, deleted ones too, and says how many were in the segment."""
    await _known(tx, desk, wanted, deleted=True)
    return await queries.unpick(tx, segment.store_id, segment.id, wanted)


async def _known(tx: Transaction, desk: FilterContext, wanted: Sequence[int], *, deleted: bool = False) -> set[int]:
    known = await queries.known_customers(tx, desk.shop.id, wanted, deleted=deleted)
    unknown = [index for index, customer_id in enumerate(wanted) if customer_id not in known]
    if unknown:
        raise DomainErrors(
            [NotFound("There is no such customer", field=("customerIds", index)) for index in unknown[:_MOST_SHOWN]]
        )
    return known
