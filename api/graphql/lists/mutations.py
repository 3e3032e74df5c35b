"""Mutations of lists: made by hand, renamed, deleted."""

from collections.abc import Sequence

import strawberry

from api.graphql.kit.context import Context
from api.graphql.kit.errors import UserError
from api.graphql.kit.global_ids import require_uuid
from api.graphql.kit.mutation import mutation
from api.graphql.lists.types import CustomerList
from api.graphql.operations.types import Operation
from api.graphql.segments.inputs import filter_context_within
from domain.campaigns.exclusions import check_list_not_excluded
from domain.kit.db import Transaction
from domain.lists import actions
from domain.stores.model import TokenScope


@strawberry.type
class ListPayload:
    list: CustomerList | None = None
    operation: Operation | None = None
    user_errors: Sequence[UserError] = ()


@strawberry.type
class ListDeletePayload:
    deleted_id: strawberry.ID | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class ListMutation:
    @mutation(
        ListPayload,
        TokenScope.WRITE,
        description="Makes the next list now: once a day, and not on the day the segment was created.",
    )
    async def segment_refresh(self, context: Context, tx: Transaction, id: strawberry.ID) -> ListPayload:
        segment_id = require_uuid(id, "Segment", noun="segment")
        build = await actions.refresh(tx, await filter_context_within(tx, context), segment_id)
        return ListPayload(list=CustomerList(row=build.listed), operation=Operation(row=build.operation))

    @mutation(
        ListPayload,
        TokenScope.WRITE,
        description="60 characters at most. The names of later lists do not change.",
    )
    async def list_rename(self, context: Context, tx: Transaction, id: strawberry.ID, name: str) -> ListPayload:
        list_id = require_uuid(id, "CustomerList", noun="list")
        return ListPayload(list=CustomerList(row=await actions.rename(tx, context.store_id, list_id, name)))

    @mutation(
        ListDeletePayload,
        TokenScope.WRITE,
        description=(
            "Any list but the first, which goes with its segment alone. Refused while a filter or a draft refers to it."
        ),
    )
    async def list_delete(self, context: Context, tx: Transaction, id: strawberry.ID) -> ListDeletePayload:
        list_id = require_uuid(id, "CustomerList", noun="list")
        await check_list_not_excluded(tx, context.store_id, list_id)
        await actions.delete(tx, context.store_id, list_id)
        return ListDeletePayload(deleted_id=id)
