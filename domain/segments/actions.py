"""What can be done with a segment. Its lists are made and taken away by `domain.lists`."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from domain import ids
from domain.customers.model import UNSET
from domain.db import Transaction
from domain.errors import DomainError, ErrorCode, Faults, NotFound
from domain.segments import members, references, store
from domain.segments.drafting import Desk, Draft
from domain.segments.filters import Definition
from domain.segments.model import PolicyInput, Segment, SegmentInput, SegmentKind, UpdateMode, check_policy


async def create(tx: Transaction, desk: Desk, given: SegmentInput) -> Segment:
    """A new segment, a static one with its members; `domain.lists` makes its first list."""
    kind = SegmentKind.DYNAMIC if given.kind is UNSET or given.kind is None else given.kind
    draft = Draft(desk, _blank(desk, kind))
    draft.apply(replace(given, name=None) if given.name is UNSET else given)
    picked = None
    try:
        if kind is SegmentKind.STATIC:
            picked = await members.chosen(tx, desk, given)
        elif given.customer_ids is not UNSET and given.customer_ids:
            draft.faults.append(_only_static())
    except DomainError as error:
        draft.faults.append(error)
    except Faults as faults:
        draft.faults += faults.errors
    await _check(tx, draft, None)
    made = replace(draft.segment, list_name=draft.segment.name)
    await _save(tx, made, store.add)
    if picked is not None:
        await members.add(tx, desk, made, picked)
    return made


async def change(tx: Transaction, desk: Desk, segment_id: UUID, given: SegmentInput) -> Segment:
    """The segment as it is from now on; a changed policy begins a new cycle today (SL-06, SL-07)."""
    draft = Draft(desk, await existing(tx, desk.shop.id, segment_id))
    draft.apply(given)
    if draft.segment.kind is SegmentKind.STATIC:
        draft.faults += _not_of_static(given)
    elif given.customer_ids is not UNSET and given.customer_ids:
        draft.faults.append(_only_static())
    await _check(tx, draft, segment_id)
    changed = replace(draft.segment, updated_at=desk.now)
    await _save(tx, changed, store.change)
    return changed


async def existing(tx: Transaction, store_id: int, segment_id: UUID) -> Segment:
    found = await store.by_id(tx, store_id, segment_id)
    if found is None:
        raise NotFound("There is no such segment", field=("id",))
    return found


def _blank(desk: Desk, kind: SegmentKind) -> Segment:
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


async def _check(tx: Transaction, draft: Draft, own_id: UUID | None) -> None:
    faults = [*draft.faults]
    faults += await references.faults(tx, draft.segment.store_id, draft.segment.definition, own_id)
    if faults:
        raise Faults(faults)


async def _save(tx: Transaction, segment: Segment, write: Callable[[Transaction, Segment], Awaitable[None]]) -> None:
    try:
        await write(tx, segment)
    except IntegrityError as error:
        message = f"Another segment is called {segment.name!r}"
        raise DomainError(message, field=("name",), code=ErrorCode.TAKEN) from error
