"""Actions on segments. `domain.lists` adds those that concern lists too."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, DomainErrors, ErrorCode, NotFound
from domain.kit.values import UNSET
from domain.segments import queries, static_members
from domain.segments.compiler.select import static_ids
from domain.segments.evaluation import references
from domain.segments.filters import Definition
from domain.segments.model import (
    PolicyInput,
    Segment,
    SegmentInput,
    SegmentKind,
    UpdateMode,
    check_name,
    check_policy,
    copy_names,
)
from domain.segments.validation import FilterContext, SegmentDraft, define


async def create(tx: Transaction, context: FilterContext, input_: SegmentInput) -> Segment:
    """Create a segment, a static one with its members; `domain.lists` makes its first list. Raise DomainErrors."""
    kind = SegmentKind.DYNAMIC if input_.kind is UNSET or input_.kind is None else input_.kind
    draft = SegmentDraft(context, _blank(context, kind))
    draft.apply(replace(input_, name=None) if input_.name is UNSET else input_)
    members = None
    with draft.errors.under():
        if kind is SegmentKind.STATIC:
            members = await static_members.first_members(tx, context, input_)
        elif input_.customer_ids is not UNSET and input_.customer_ids:
            draft.errors.add(_only_static())
    await _check(tx, draft, None)
    segment = replace(draft.segment, list_name=draft.segment.name)
    await _save(tx, segment, queries.add)
    if members is not None:
        await static_members.add(tx, context, segment, members, static_members.first_members_field(input_))
    return segment


async def change(tx: Transaction, context: FilterContext, segment_id: UUID, input_: SegmentInput) -> Segment:
    """Change the segment; a changed policy begins a new cycle today (SL-06, SL-07). Raise DomainErrors."""
    draft = SegmentDraft(context, await lock(tx, context.store.id, segment_id))
    draft.apply(input_)
    if draft.segment.kind is SegmentKind.STATIC:
        defining = {
            "include": input_.include,
            "exclude": input_.exclude,
            "query": input_.query,
            "customerIds": input_.customer_ids,
        }
        for name, raw in defining.items():
            if raw is not UNSET and raw is not None:
                message = "The members of a static segment are added and removed, not defined"
                draft.errors.add(DomainError(message, field=(name,)))
    elif input_.customer_ids is not UNSET and input_.customer_ids:
        draft.errors.add(_only_static())
    await _check(tx, draft, segment_id)
    changed = replace(draft.segment, updated_at=context.now)
    await _save(tx, changed, queries.change)
    return changed


async def duplicate(tx: Transaction, context: FilterContext, segment_id: UUID, name: str | None) -> Segment:
    """Copy the filter and the policy under a new name, from today; of a static segment its members (SC-01)."""
    original = await lock(tx, context.store.id, segment_id)
    name_is_chosen = name is not None
    if name is None:
        name = await queries.free_name(tx, context.store.id, copy_names(original.name))
    else:
        name = check_name(name)
    mode = PolicyInput(original.policy.mode, original.policy.every_days)
    copy = replace(
        _blank(context, original.kind),
        name=name,
        list_name=name,
        description=original.description,
        definition=original.definition,
        policy=check_policy(mode, context.now, context.store.timezone),
    )
    copy = replace(copy, next_refresh_at=copy.due_after(context.now, context.store.timezone))
    faults = await references.faults(tx, context.store.id, copy.definition, None)
    if faults:
        raise DomainErrors([DomainError(fault.message, field=("id",), code=fault.code) for fault in faults])
    if name_is_chosen:
        await _save(tx, copy, queries.add)
    else:
        # A name that was free a moment ago: the edge tries again, and the next one is proposed.
        await queries.add(tx, copy)
    if original.kind is SegmentKind.STATIC:
        members = static_ids(original.id, context.scope(tx))
        await static_members.add(tx, context, copy, members, ("id",))
    return copy


async def set_active(tx: Transaction, context: FilterContext, segment_id: UUID, *, active: bool) -> Segment:
    """Activate or deactivate a segment: an inactive one is neither offered nor refreshed (RC-06).

    An active one goes on with its cycle.
    """
    segment = await lock(tx, context.store.id, segment_id)
    if segment.active is active:
        return segment
    changed = replace(segment, active=active, updated_at=context.now)
    changed = replace(changed, next_refresh_at=changed.due_after(context.now, context.store.timezone))
    await queries.change(tx, changed)
    return changed


@dataclass(frozen=True, slots=True)
class MembersChange:
    """A static segment, and how many members were added to it or removed."""

    segment: Segment
    count: int


async def add_members(
    tx: Transaction,
    context: FilterContext,
    segment_id: UUID,
    customer_ids: Sequence[int] | None,
    filter_: object | None,
) -> MembersChange:
    """Add these customers to a static segment, or all who match a filter now (QS-09)."""
    segment = await _lock_static(tx, context, segment_id)
    if customer_ids is not None and filter_ is not None:
        raise DomainError("Give either customerIds or a filter", field=("customerIds",))
    if customer_ids is not None:
        members = await static_members.by_ids(tx, context, customer_ids)
        return MembersChange(segment, await static_members.add(tx, context, segment, members))
    if filter_ is None:
        raise DomainError("Give customerIds or a filter", field=("customerIds",), code=ErrorCode.REQUIRED)
    try:
        definition = define(context, SegmentInput(include=filter_), Definition(None, None))
        members = await static_members.matching_now(tx, context, definition)
    except DomainError as error:
        # The argument `filter` is a definition's `include`.
        raise DomainErrors(
            DomainError(fault.message, field=("filter", *fault.field[1:]), code=fault.code) for fault in error.errors
        ) from None
    return MembersChange(segment, await static_members.add(tx, context, segment, members, ("filter",)))


async def remove_members(
    tx: Transaction, context: FilterContext, segment_id: UUID, customer_ids: Sequence[int]
) -> MembersChange:
    """Remove customers from a static segment (QS-10)."""
    segment = await _lock_static(tx, context, segment_id)
    return MembersChange(segment, await static_members.remove(tx, context, segment, customer_ids))


async def by_id(tx: Transaction, store_id: int, segment_id: UUID) -> Segment:
    """Return the segment. Raise NotFound."""
    return _existing(await queries.by_id(tx, store_id, segment_id))


async def lock(tx: Transaction, store_id: int, segment_id: UUID) -> Segment:
    """Return the segment, locked until the transaction ends. Raise NotFound."""
    return _existing(await queries.lock(tx, store_id, segment_id))


def _existing(segment: Segment | None) -> Segment:
    if segment is None:
        raise NotFound("There is no such segment", field=("id",))
    return segment


async def _lock_static(tx: Transaction, context: FilterContext, segment_id: UUID) -> Segment:
    segment = await lock(tx, context.store.id, segment_id)
    if segment.kind is not SegmentKind.STATIC:
        message = "Only a static segment's members are added and removed; this one's are found by its filter"
        raise DomainError(message, field=("id",), code=ErrorCode.INVALID_STATE)
    return segment


def _blank(context: FilterContext, kind: SegmentKind) -> Segment:
    return Segment(
        store_id=context.store.id,
        id=ids.new(),
        name="",
        list_name="",
        description=None,
        kind=kind,
        active=True,
        definition=Definition() if kind is SegmentKind.DYNAMIC else Definition(None, None),
        policy=check_policy(PolicyInput(UpdateMode.MANUAL), context.now, context.store.timezone),
        created_at=context.now,
        updated_at=context.now,
        last_refreshed_at=None,
        next_refresh_at=None,
    )


def _only_static() -> DomainError:
    return DomainError("Only a static segment takes customerIds", field=("customerIds",))


async def _check(tx: Transaction, draft: SegmentDraft, own_id: UUID | None) -> None:
    draft.errors.add(*await references.faults(tx, draft.segment.store_id, draft.segment.definition, own_id))
    draft.errors.raise_any()


async def _save(tx: Transaction, segment: Segment, write: Callable[[Transaction, Segment], Awaitable[None]]) -> None:
    try:
        await write(tx, segment)
    except IntegrityError as error:
        message = f"Another segment is called {segment.name!r}"
        raise DomainError(message, field=("name",), code=ErrorCode.TAKEN) from error
