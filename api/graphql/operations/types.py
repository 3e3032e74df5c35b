"""Work in the background, as a client watches it."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from uuid import UUID

import strawberry

from api.graphql.kit.context import Context, Info, allow
from api.graphql.kit.enums import expose
from api.graphql.kit.errors import UserError, bad_input, user_errors
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import Node, encode, uuid
from domain.kit.db import Transaction
from domain.kit.errors import DomainError
from domain.lists.export.job import EXPORT
from domain.operations import actions, model, queries
from domain.operations.model import OperationStatus
from domain.stores.model import TokenScope

expose(OperationStatus)
_WATCH_EVERY = 0.5
_CANCELLABLE = frozenset({EXPORT.name})


@strawberry.type
class OperationProblem:
    row: int | None = strawberry.field(description="The row of an import; its header is row 1.")
    message: str


@strawberry.type(description="Work done by the workers.")
class Operation(Node):
    of: strawberry.Private[model.Operation]

    id: strawberry.ID = derived(lambda self: encode("Operation", self.of.id))
    kind: str = derived(lambda self: self.of.kind)
    status: OperationStatus = derived(lambda self: self.of.status)
    done: int = derived(lambda self: self.of.done)
    total: int | None = derived(lambda self: self.of.total)
    created_at: datetime = derived(lambda self: self.of.created_at)
    finished_at: datetime | None = derived(lambda self: self.of.finished_at)

    @strawberry.field(description="What it made, such as a report to download: a signed link that is good for 7 days.")
    def url(self, info: Info) -> str | None:
        return info.context.services.file_links.url(self.of, info.context.now)

    @strawberry.field
    async def problems(self, info: Info) -> list[OperationProblem]:
        found = await info.context.loader(_problems).load(self.of.id)
        return [OperationProblem(row=problem.row, message=problem.message) for problem in found]


@strawberry.type
class OperationPayload:
    operation: Operation | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class OperationQuery:
    @strawberry.field
    async def operation(self, info: Info, id: strawberry.ID) -> Operation | None:
        context = allow(info, TokenScope.READ)
        found = uuid(id, "Operation")
        return None if found is None else await by_id(context, found)


@strawberry.type
class OperationSubscription:
    @strawberry.subscription(description="Each change of its progress, until it ends.")
    async def operation_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[Operation, None]:
        context = allow(info, TokenScope.READ)
        found = uuid(id, "Operation")
        seen: model.Operation | None = None
        while True:
            async with context.database.read() as tx:
                current = found and await queries.by_id(tx, context.store_id, found)
            if not current:
                raise bad_input("No such operation.", "id")
            if current != seen:
                seen = current
                yield Operation(of=current)
            if current.status.ended:
                return
            await asyncio.sleep(_WATCH_EVERY)


@strawberry.type
class OperationMutation:
    @strawberry.mutation(description="Nothing of what it was making is kept. Exports of lists can be called off.")
    async def operation_cancel(self, info: Info, id: strawberry.ID) -> OperationPayload:
        context = allow(info, TokenScope.WRITE)
        try:
            async with context.database.write() as tx:
                ended = await actions.cancel(tx, context.store_id, uuid(id, "Operation"), _CANCELLABLE, context.now)
        except DomainError as error:
            return OperationPayload(user_errors=user_errors(error))
        return OperationPayload(operation=Operation(of=ended))


async def by_id(context: Context, operation_id: UUID) -> Operation | None:
    found = await context.loader(_operations).load(operation_id)
    return None if found is None else Operation(of=found)


async def _operations(tx: Transaction, store_id: int, wanted: list[UUID]) -> list[model.Operation | None]:
    found = {operation.id: operation for operation in await queries.by_ids(tx, store_id, wanted)}
    return [found.get(operation_id) for operation_id in wanted]


async def _problems(tx: Transaction, store_id: int, wanted: list[UUID]) -> list[list[model.Problem]]:
    found = await queries.problems_of(tx, store_id, wanted)
    return [found[operation_id] for operation_id in wanted]
