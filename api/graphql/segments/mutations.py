"""What is done with segments: made, changed, removed."""

from collections.abc import Sequence
from typing import Any

import strawberry

from api.graphql.kit.context import Context, Info, allow
from api.graphql.kit.errors import UserError, user_errors
from api.graphql.lists.types import CustomerList
from api.graphql.operations.types import Operation
from api.graphql.segments.filters import FilterInput
from api.graphql.segments.inputs import customer_numbers, desk_of
from api.graphql.segments.types import Segment, segment_id
from domain.kit.errors import DomainError, DomainErrors
from domain.kit.values import UNSET
from domain.lists import actions as list_actions
from domain.lists.build import ListBuild
from domain.segments import actions, model
from domain.segments.model import PolicyInput, SegmentKind, UpdateMode
from domain.stores.model import TokenScope


@strawberry.input
class UpdatePolicyInput:
    mode: UpdateMode
    every_days: int | None = None


@strawberry.input
class SegmentInput:
    name: strawberry.Maybe[str | None]
    description: strawberry.Maybe[str | None]
    kind: strawberry.Maybe[SegmentKind | None]
    include: strawberry.Maybe[FilterInput | None]
    exclude: strawberry.Maybe[FilterInput | None]
    query: strawberry.Maybe[str | None] = strawberry.field(description="Instead of include and exclude.")
    customer_ids: strawberry.Maybe[list[strawberry.ID] | None] = strawberry.field(
        description="The first members of a static segment; or give `include` for all it finds now."
    )
    update: strawberry.Maybe[UpdatePolicyInput | None]

    def given(self) -> model.SegmentInput:
        return model.SegmentInput(
            name=_said(self.name),
            description=_said(self.description),
            kind=_said(self.kind),
            include=_filter(self.include),
            exclude=_filter(self.exclude),
            query=_said(self.query),
            customer_ids=_numbers(_said(self.customer_ids)),
            update=_policy(_said(self.update)),
        )


@strawberry.type
class SegmentPayload:
    segment: Segment | None = None
    list: CustomerList | None = None
    operation: Operation | None = None
    user_errors: Sequence[UserError] = ()


@strawberry.type
class SegmentDeletePayload:
    deleted_id: strawberry.ID | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class SegmentMutation:
    @strawberry.mutation(description="Its first list is made at once, by a worker.")
    async def segment_create(self, info: Info, input: SegmentInput) -> SegmentPayload:
        context = allow(info, TokenScope.WRITE)
        desk = await desk_of(context)
        try:
            async with context.database.write() as tx:
                created = await list_actions.create_segment(tx, desk, input.given())
        except DomainError as error:
            return SegmentPayload(user_errors=user_errors(error.under("input")))
        return _made(created.segment, created.build)

    @strawberry.mutation(description="What is left out stays as it is. Lists that were made stay as they were.")
    async def segment_update(self, info: Info, id: strawberry.ID, input: SegmentInput) -> SegmentPayload:
        context = allow(info, TokenScope.WRITE)
        desk = await desk_of(context)
        try:
            async with context.database.write() as tx:
                changed = await actions.change(tx, desk, segment_id(id), input.given())
        except DomainError as error:
            faults = error.errors
            placed = [fault if fault.field == ("id",) else fault.under("input") for fault in faults]
            return SegmentPayload(user_errors=user_errors(DomainErrors(placed)))
        return SegmentPayload(segment=Segment(of=changed))

    @strawberry.mutation(
        description=(
            "The filter and the policy under a new name, with a first list of its own; of a static one its members. "
            "A free name is found when none is given."
        )
    )
    async def segment_duplicate(self, info: Info, id: strawberry.ID, name: str | None = None) -> SegmentPayload:
        context = allow(info, TokenScope.WRITE)
        desk = await desk_of(context)
        try:
            async with context.database.write() as tx:
                created = await list_actions.duplicate_segment(tx, desk, segment_id(id), name)
        except DomainError as error:
            return SegmentPayload(user_errors=user_errors(error))
        return _made(created.segment, created.build)

    @strawberry.mutation(description="It goes on with its cycle; what was due in the meantime is not made up for.")
    async def segment_activate(self, info: Info, id: strawberry.ID) -> SegmentPayload:
        return await _set_active(allow(info, TokenScope.WRITE), id, active=True)

    @strawberry.mutation(description="It is kept, but its lists are not offered, and none is made of it by itself.")
    async def segment_deactivate(self, info: Info, id: strawberry.ID) -> SegmentPayload:
        return await _set_active(allow(info, TokenScope.WRITE), id, active=False)

    @strawberry.mutation(description="For good, with all its lists.")
    async def segment_delete(self, info: Info, id: strawberry.ID) -> SegmentDeletePayload:
        context = allow(info, TokenScope.WRITE)
        try:
            async with context.database.write() as tx:
                await list_actions.delete_segment(tx, context.store_id, segment_id(id))
        except DomainError as error:
            return SegmentDeletePayload(user_errors=user_errors(error))
        return SegmentDeletePayload(deleted_id=id)


async def _set_active(context: Context, gid: strawberry.ID, *, active: bool) -> SegmentPayload:
    desk = await desk_of(context)
    try:
        async with context.database.write() as tx:
            changed = await actions.set_active(tx, desk, segment_id(gid), active=active)
    except DomainError as error:
        return SegmentPayload(user_errors=user_errors(error))
    return SegmentPayload(segment=Segment(of=changed))


def _made(segment: model.Segment, making: ListBuild) -> SegmentPayload:
    return SegmentPayload(
        segment=Segment(of=segment), list=CustomerList(of=making.listed), operation=Operation(of=making.operation)
    )


def _said(given: Any) -> Any:
    return UNSET if given is None else given.value


def _filter(given: Any) -> object:
    said = _said(given)
    return said.raw() if isinstance(said, FilterInput) else said


def _policy(given: Any) -> Any:
    return PolicyInput(given.mode, given.every_days) if isinstance(given, UpdatePolicyInput) else given


def _numbers(given: Any) -> Any:
    return given if given is UNSET or given is None else customer_numbers(given)
