"""Add and remove the members of static segments: picked by hand, or all who match a filter at one moment."""

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

_MAX_FAULTS = 100


async def first_members(tx: Transaction, context: FilterContext, input_: SegmentInput) -> Select[int] | None:
    """Return a statement of the members that a new segment is given; None for nobody yet. Raise DomainErrors."""
    customer_ids = None if input_.customer_ids is UNSET else input_.customer_ids
    if customer_ids is not None and input_.has_filter:
        raise DomainError("Give either customerIds or a filter", field=("customerIds",))
    if customer_ids is not None:
        return await by_ids(tx, context, customer_ids)
    return await matching_now(tx, context, define(context, input_)) if input_.has_filter else None


def first_members_field(input_: SegmentInput) -> Path:
    """Return the field that gives a new segment's members."""
    fields = {"customerIds": input_.customer_ids, "query": input_.query}
    return (next((name for name, raw in fields.items() if raw is not UNSET and raw is not None), "include"),)


async def matching_now(tx: Transaction, context: FilterContext, definition: Definition) -> Select[int]:
    """Return a statement of all who match a definition at this moment. Raise DomainErrors for its references."""
    faults = await references.faults(tx, context.store.id, definition, None)
    if faults:
        raise DomainErrors(faults)
    return await select_ids(tx, definition, context.scope(tx), context.extensions)


async def by_ids(tx: Transaction, context: FilterContext, customer_ids: Sequence[int]) -> Select[int]:
    """Return a statement of customers picked one by one. Raise DomainErrors when some do not exist."""
    live = await _known(tx, context, customer_ids)
    is_picked = (
        one_of(customers.c.id, list(live), BigInteger(), context.scope(tx)) if live else customers.c.id.is_(None)
    )
    return select(customers.c.id).where(customers.c.store_id == context.store.id, is_picked)


async def add(
    tx: Transaction, context: FilterContext, segment: Segment, ids: Select[int], field: Path = ("customerIds",)
) -> int:
    """Add customers to a static segment, and return how many are new.

    Raise DomainError, with none added, when they do not all fit (QS-02, QS-14).
    """
    limit = context.store.limits.static_segment_members
    members = await queries.count_members(tx, segment.store_id, segment.id)
    room = max(0, limit - members)
    added = await queries.add_members(tx, segment.store_id, segment.id, ids, room + 1)
    if added > room:
        new = added + await queries.count_new(tx, segment.store_id, segment.id, ids)
        message = f"A static segment holds {limit:,} members at most: {members:,} are in it, {room:,} would fit"
        raise DomainError(f"{message}, and these are {new:,}", field=field, code=ErrorCode.LIMIT_EXCEEDED)
    return added


async def remove(tx: Transaction, context: FilterContext, segment: Segment, customer_ids: Sequence[int]) -> int:
    """Remove customers, deleted ones too, and return how many were in the segment."""
    await _known(tx, context, customer_ids, deleted=True)
    return await queries.remove_members(tx, segment.store_id, segment.id, customer_ids)


async def _known(
    tx: Transaction, context: FilterContext, customer_ids: Sequence[int], *, deleted: bool = False
) -> set[int]:
    known = await queries.known_customers(tx, context.store.id, customer_ids, deleted=deleted)
    unknown = [index for index, customer_id in enumerate(customer_ids) if customer_id not in known]
    if unknown:
        raise DomainErrors(
            [NotFound("There is no such customer", field=("customerIds", index)) for index in unknown[:_MAX_FAULTS]]
        )
    return known
