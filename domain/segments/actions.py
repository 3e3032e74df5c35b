"""What can be done with a segment. Its lists are made and taken away by `domain.lists`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, DomainErrors, ErrorCode, NotFound
from domain.kit.values import UNSET
from domain.segments import queries, static_members
from domain.segments.evaluation import references
from domain.segments.evaluation.resolve import select_ids
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


async def create(tx: Transaction, desk: FilterContext, given: SegmentInput) -> Segment:
    """A new segment, a static one with its members; `domain.lists` makes its first list."""
    kind = SegmentKind.DYNAMIC if given.kind is UNSET or given.kind is None else given.kind
    draft = SegmentDraft(desk, _blank(desk, kind))
    draft.apply(replace(given, name=None) if given.name is UNSET else given)
    picked = None
    with draft.errors.under():
        if kind is SegmentKind.STATIC:
            picked = await static_members.chosen(tx, desk, given)
        elif given.customer_ids is not UNSET and given.customer_ids:
            draft.errors.add(_only_static())
    await _check(tx, draft, None)
    made = replace(draft.segment, list_name=draft.segment.name)
    await _save(tx, made, queries.add)
    if picked is not None:
        await static_members.add(tx, desk, made, picked, static_members.named(given))
    return made


async def change(tx: Transaction, desk: FilterContext, segment_id: UUID, given: SegmentInput) -> Segment:
    """The segment as it is from now on; a changed policy begins a new cycle today (SL-06, SL-07)."""
    draft = SegmentDraft(desk, await held(tx, desk.shop.id, segment_id))
    draft.apply(given)
    if draft.segment.kind is SegmentKind.STATIC:
        draft.errors.add(*_not_of_static(given))
    elif given.customer_ids is not UNSET and given.customer_ids:
        draft.errors.add(_only_static())
    await _check(tx, draft, segment_id)
    changed = replace(draft.segment, updated_at=desk.now)
    await _save(tx, changed, queries.change)
    return changed


async def duplicate(tx: Transaction, desk: FilterContext, segment_id: UUID, name: str | None) -> Segment:
    """The filter and the policy under a new name, from today; of a static one its members (SC-01)."""
    had = await held(tx, desk.shop.id, segment_id)
    free = await queries.free_name(tx, desk.shop.id, copy_names(had.name)) if name is None else check_name(name)
    blank = _blank(desk, had.kind)
    policy = check_policy(PolicyInput(had.policy.mode, had.policy.every_days), desk.now, desk.shop.timezone)
    made = replace(
        blank, name=free, list_name=free, description=had.description, definition=had.definition, policy=policy
    )
    made = replace(made, next_refresh_at=made.due_after(desk.now, desk.shop.timezone))
    wrong = await references.faults(tx, desk.shop.id, made.definition, None)
    if wrong:
        raise DomainErrors([DomainError(fault.message, field=("id",), code=fault.code) for fault in wrong])
    await _save(tx, made, queries.add)
    if had.kind is SegmentKind.STATIC:
        await static_members.add(tx, desk, made, await select_ids(tx, had, desk.scope(tx)), ("id",))
    return made


async def set_active(tx: Transaction, desk: FilterContext, segment_id: UUID, *, active: bool) -> Segment:
    """Inactive: kept, but neither chosen nor refreshed (RC-06). An active one goes on with its cycle."""
    had = await held(tx, desk.shop.id, segment_id)
    if had.active is active:
        return had
    changed = replace(had, active=active, updated_at=desk.now)
    changed = replace(changed, next_refresh_at=changed.due_after(desk.now, desk.shop.timezone))
    await queries.change(tx, changed)
    return changed


async def add_members(
    tx: Transaction, desk: FilterContext, segment_id: UUID, picked: Sequence[int] | None, filter_: object | None
) -> tuple[Segment, int]:
    """Customers who were ticked, or all whom a filter finds now, and how many are new (QS-09)."""
    segment = await _static(tx, desk, segment_id)
    if picked is not None and filter_ is not None:
        raise DomainError("Give either customerIds or a filter", field=("customerIds",))
    if picked is not None:
        return segment, await static_members.add(tx, desk, segment, await static_members.by_numbers(tx, desk, picked))
    if filter_ is None:
        raise DomainError("Give customerIds or a filter", field=("customerIds",), code=ErrorCode.REQUIRED)
    try:
        definition = define(desk, SegmentInput(include=filter_), Definition(None, None))
        found = await static_members.found_now(tx, desk, definition)
    except DomainError as error:
        raise _of_filter(error) from None
    return segment, await static_members.add(tx, desk, segment, found, ("filter",))


async def remove_members(
    tx: Transaction, desk: FilterContext, segment_id: UUID, picked: Sequence[int]
) -> tuple[Segment, int]:
    """The segment, and how many were in it (QS-10)."""
    segment = await _static(tx, desk, segment_id)
    return segment, await static_members.remove(tx, desk, segment, picked)


async def existing(tx: Transaction, store_id: int, segment_id: UUID) -> Segment:
    return _found(await queries.by_id(tx, store_id, segment_id))


async def held(tx: Transaction, store_id: int, segment_id: UUID) -> Segment:
    """The segment, locked until the transaction ends."""
    return _found(await queries.lock(tx, store_id, segment_id))


def _found(segment: Segment | None) -> Segment:
    if segment is None:
        raise NotFound("There is no such segment", field=("id",))
    return segment


async def _static(tx: Transaction, desk: FilterContext, segment_id: UUID) -> Segment:
    segment = await held(tx, desk.shop.id, segment_id)
    if segment.kind is not SegmentKind.STATIC:
        said = "Only a static segment's members are added and removed; this one's are found by its filter"
        raise DomainError(said, field=("id",), code=ErrorCode.INVALID_STATE)
    return segment


def _of_filter(error: DomainError) -> DomainError:
    """The argument `filter` is a definition's `include`."""
    return DomainErrors(
        DomainError(each.message, field=("filter", *each.field[1:]), code=each.code) for each in error.errors
    )


def _blank(desk: FilterContext, kind: SegmentKind) -> Segment:
    return Segment(
        store_id=desk.shop.id,
        id=ids.new(),
        name="",
        list_name="",
        description=None,
        kind=kind,
        active=True,
        definition=Definition() if kind is SegmentKind.DYNAMIC else Definition(None, None),
        policy=check_policy(PolicyInput(UpdateMode.MANUAL), desk.now, desk.shop.timezone),
        created_at=desk.now,
        updated_at=desk.now,
        last_refreshed_at=None,
        next_refresh_at=None,
    )


def _only_static() -> DomainError:
    return DomainError("Only a static segment is given its members", field=("customerIds",))


def _not_of_static(given: SegmentInput) -> list[DomainError]:
    fields = {
        "include": given.include,
        "exclude": given.exclude,
        "query": given.query,
        "customerIds": given.customer_ids,
    }
    said = "The members of a static segment are added and removed, not defined"
    return [DomainError(said, field=(name,)) for name, raw in fields.items() if raw is not UNSET and raw is not None]


async def _check(tx: Transaction, draft: SegmentDraft, own_id: UUID | None) -> None:
    draft.errors.add(*await references.faults(tx, draft.segment.store_id, draft.segment.definition, own_id))
    draft.errors.raise_any()


async def _save(tx: Transaction, segment: Segment, write: Callable[[Transaction, Segment], Awaitable[None]]) -> None:
    try:
        await write(tx, segment)
    except IntegrityError as error:
        message = f"Another segment is called {segment.name!r}"
        raise DomainError(message, field=("name",), code=ErrorCode.TAKEN) from error
