"""What is done with lists: made by hand, renamed, removed."""

from collections.abc import Sequence
from uuid import UUID

import strawberry

from api.graphql.kit import global_ids
from api.graphql.kit.context import Info, allow
from api.graphql.kit.errors import UserError, user_errors
from api.graphql.lists.types import CustomerList
from api.graphql.operations.types import Operation
from api.graphql.segments.inputs import desk_of
from api.graphql.segments.types import segment_id
from domain.kit.errors import DomainError, ErrorCode
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
    @strawberry.mutation(description="Makes the next list now: once a day, and not on the day the segment was made.")
    async def segment_refresh(self, info: Info, id: strawberry.ID) -> ListPayload:
        context = allow(info, TokenScope.WRITE)
        desk = await desk_of(context)
        try:
            async with context.database.write() as tx:
                making = await actions.refresh(tx, desk, segment_id(id))
        except DomainError as error:
            return ListPayload(user_errors=user_errors(error))
        return ListPayload(list=CustomerList(of=making.listed), operation=Operation(of=making.operation))

    @strawberry.mutation(description="60 characters at most. The lists to come are called as they would have been.")
    async def list_rename(self, info: Info, id: strawberry.ID, name: str) -> ListPayload:
        context = allow(info, TokenScope.WRITE)
        try:
            async with context.database.write() as tx:
                renamed = await actions.rename(tx, context.store_id, _id(id), name)
        except DomainError as error:
            return ListPayload(user_errors=user_errors(error))
        return ListPayload(list=CustomerList(of=renamed))

    @strawberry.mutation(description="Any list but the first, which goes with its segment alone.")
    async def list_delete(self, info: Info, id: strawberry.ID) -> ListDeletePayload:
        context = allow(info, TokenScope.WRITE)
        try:
            async with context.database.write() as tx:
                await actions.delete(tx, context.store_id, _id(id))
        except DomainError as error:
            return ListDeletePayload(user_errors=user_errors(error))
        return ListDeletePayload(deleted_id=id)


def _id(gid: strawberry.ID) -> UUID:
    found = global_ids.uuid(gid, "CustomerList")
    if found is None:
        raise DomainError("There is no such list", field=("id",), code=ErrorCode.NOT_FOUND)
    return found
