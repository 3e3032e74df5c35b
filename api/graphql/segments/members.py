"""Who is in a static segment, changed by hand."""

import strawberry

from api.graphql.kit.context import Info, allow
from api.graphql.kit.errors import UserError, user_errors
from api.graphql.segments.filters import FilterInput
from api.graphql.segments.inputs import customer_numbers, desk_of
from api.graphql.segments.types import Segment, segment_id
from domain.kit.errors import DomainError
from domain.segments import actions
from domain.stores.model import TokenScope


@strawberry.type
class SegmentMembersPayload:
    segment: Segment | None = None
    changed: int = strawberry.field(default=0, description="How many came in, or went out.")
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class StaticSegmentMutation:
    @strawberry.mutation(
        description=(
            "Customers one by one, or all whom a filter finds now. All of them come in, or nobody: "
            "an error says how many would fit."
        )
    )
    async def segment_members_add(
        self,
        info: Info,
        id: strawberry.ID,
        customer_ids: list[strawberry.ID] | None = None,
        filter: FilterInput | None = None,
    ) -> SegmentMembersPayload:
        context = allow(info, TokenScope.WRITE)
        desk = await desk_of(context)
        picked = None if customer_ids is None else customer_numbers(customer_ids)
        found = None if filter is None else filter.raw()
        try:
            async with context.database.write() as tx:
                change = await actions.add_members(tx, desk, segment_id(id), picked, found)
        except DomainError as error:
            return SegmentMembersPayload(user_errors=user_errors(error))
        return SegmentMembersPayload(segment=Segment(of=change.segment), changed=change.count)

    @strawberry.mutation(description="Lists that were made stay as they were.")
    async def segment_members_remove(
        self, info: Info, id: strawberry.ID, customer_ids: list[strawberry.ID]
    ) -> SegmentMembersPayload:
        context = allow(info, TokenScope.WRITE)
        desk = await desk_of(context)
        picked = customer_numbers(customer_ids)
        try:
            async with context.database.write() as tx:
                change = await actions.remove_members(tx, desk, segment_id(id), picked)
        except DomainError as error:
            return SegmentMembersPayload(user_errors=user_errors(error))
        return SegmentMembersPayload(segment=Segment(of=change.segment), changed=change.count)
