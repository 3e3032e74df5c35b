"""Operations: work in the background, with its progress and its problems."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from typing import Self
from uuid import UUID

import strawberry

from api.graphql.kit.context import Context, Info
from api.graphql.kit.enums import expose
from api.graphql.kit.errors import UserError, bad_input
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import encode, uuid
from api.graphql.kit.mutation import mutation
from api.graphql.kit.nodes import Node, find_node_of
from domain.kit.db import Transaction
from domain.lists.export.job import EXPORT
from domain.operations import actions, model, queries
from domain.operations.model import OperationStatus, ProblemOutcome
from domain.stores.model import TokenScope

expose(OperationStatus)
expose(
    ProblemOutcome,
    {
        ProblemOutcome.ROW_REFUSED: "Nothing of the row was taken.",
        ProblemOutcome.CELL_LEFT_OUT: "The row was taken without the cell.",
        ProblemOutcome.NOTICE: "The row was taken whole.",
    },
)
_WATCH_EVERY = 0.5
_CANCELLABLE = frozenset({EXPORT.name})


@strawberry.type
class OperationProblem:
    row: int | None = strawberry.field(description="The row of an import, counted from 1.")
    column: str | None = strawberry.field(description="The column of the cell, as the file names it.")
    value: str | None = strawberry.field(description="What stands in the cell.")
    outcome: ProblemOutcome | None = strawberry.field(description="What an import made of it.")
    message: str

    @classmethod
    def of(cls, problem: model.Problem) -> Self:
        return cls(
            row=problem.row,
            column=problem.column,
            value=problem.value,
            outcome=problem.outcome,
            message=problem.message,
        )


@strawberry.type(description="Work in the background.")
class Operation(Node):
    row: strawberry.Private[model.Operation]

    id: strawberry.ID = derived(lambda self: encode("Operation", self.row.id))
    kind: str = derived(lambda self: self.row.kind)
    status: OperationStatus = derived(lambda self: self.row.status)
    done: int = derived(lambda self: self.row.done)
    total: int | None = derived(lambda self: self.row.total)
    created_at: datetime = derived(lambda self: self.row.created_at)
    finished_at: datetime | None = derived(lambda self: self.row.finished_at)

    @strawberry.field(description="The result, such as a report to download: a signed link that is valid for 7 days.")
    async def url(self, info: Info) -> str | None:
        return (await info.context.services.file_links()).url(self.row, info.context.now)

    @strawberry.field
    async def problems(self, info: Info) -> list[OperationProblem]:
        problems = await info.context.load(queries.problems_of, self.row.id)
        return [OperationProblem.of(problem) for problem in problems]

    @classmethod
    async def rows_by_key(cls, tx: Transaction, store_id: int, keys: list[UUID]) -> dict[UUID, model.Operation]:
        return {operation.id: operation for operation in await queries.by_ids(tx, store_id, keys)}

    @classmethod
    def recorded(cls, row: model.Operation) -> Mapping[str, object]:
        return {"kind": row.kind, "status": row.status.value}


@strawberry.type
class OperationPayload:
    operation: Operation | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class OperationQuery:
    @strawberry.field
    async def operation(self, info: Info, id: strawberry.ID) -> Operation | None:
        return await find_node_of(info.context, Operation, id)


@strawberry.type
class OperationSubscription:
    @strawberry.subscription(description="Each change of its progress, until it ends.")
    async def operation_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[Operation, None]:
        context = info.context
        operation_id = uuid(id, "Operation")
        previous: model.Operation | None = None
        while True:
            async with context.database.read() as tx:
                current = operation_id and await queries.by_id(tx, context.store_id, operation_id)
            if not current:
                raise bad_input("There is no such operation", "id")
            if current != previous:
                previous = current
                yield Operation(row=current)
            if current.status.ended:
                return
            await asyncio.sleep(_WATCH_EVERY)


@strawberry.type
class OperationMutation:
    @mutation(
        OperationPayload,
        TokenScope.WRITE,
        description="Its unfinished result is discarded. Only exports of lists can be cancelled.",
    )
    async def operation_cancel(self, context: Context, tx: Transaction, id: strawberry.ID) -> OperationPayload:
        operation_id = uuid(id, "Operation")
        operation = await actions.cancel(tx, context.store_id, operation_id, _CANCELLABLE, context.now)
        return OperationPayload(operation=Operation(row=operation))
