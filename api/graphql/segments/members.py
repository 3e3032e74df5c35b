"""Members of static segments, added and removed by hand."""

import strawberry

from api.graphql.kit.access import require_scope
from api.graphql.kit.context import Context
from api.graphql.kit.errors import UserError
from api.graphql.kit.global_ids import require_uuid
from api.graphql.kit.mutation import mutation
from api.graphql.segments.filters import FilterInput
from api.graphql.segments.inputs import customer_numbers, filter_context_within
from api.graphql.segments.types import Segment
from domain.kit.db import Transaction
from domain.segments import actions
from domain.stores.model import TokenScope


@strawberry.type
class SegmentMembersPayload:
    segment: Segment | None = None
    changed: int = strawberry.field(default=0, description="Number of customers added or removed.")
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class StaticSegmentMutation:
    @mutation(
        SegmentMembersPayload,
        TokenScope.WRITE,
        description=(
            "Adds customers one by one, or all that a filter matches now. Either all are added or none: "
            "an error says how many would fit. A filter takes the scope `read` too."
        ),
    )
    async def segment_members_add(
        self,
        context: Context,
        tx: Transaction,
        id: strawberry.ID,
        customer_ids: list[strawberry.ID] | None = None,
        filter: FilterInput | None = None,
    ) -> SegmentMembersPayload:
        if filter is not None:
            # Whether they fit tells how many a filter matches.
            require_scope(context, TokenScope.READ)
        segment_id = require_uuid(id, "Segment", noun="segment")
        numbers = None if customer_ids is None else customer_numbers(customer_ids)
        raw_filter = None if filter is None else filter.raw()
        filter_context = await filter_context_within(tx, context)
        change = await actions.add_members(tx, filter_context, segment_id, numbers, raw_filter)
        return SegmentMembersPayload(segment=Segment(row=change.segment), changed=change.count)

    @mutation(SegmentMembersPayload, TokenScope.WRITE, description="Existing lists do not change.")
    async def segment_members_remove(
        self, context: Context, tx: Transaction, id: strawberry.ID, customer_ids: list[strawberry.ID]
    ) -> SegmentMembersPayload:
        segment_id = require_uuid(id, "Segment", noun="segment")
        filter_context = await filter_context_within(tx, context)
        change = await actions.remove_members(tx, filter_context, segment_id, customer_numbers(customer_ids))
        return SegmentMembersPayload(segment=Segment(row=change.segment), changed=change.count)
