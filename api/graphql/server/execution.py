"""Execution of operations on graphql-core's executor, without Strawberry's layers around it."""

# graphql-core leaves its own generics open:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Generic, TypeGuard, TypeVar, cast

import orjson
from graphql import ExecutionResult, GraphQLError, OperationType, located_error
from graphql.execution import Executor, create_source_event_stream, map_source_to_response_event
from graphql.language import FieldNode, OperationDefinitionNode
from starlette.requests import HTTPConnection
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable

from api.graphql.kit.errors import BAD_USER_INPUT, INTERNAL, coded, is_passing, log, presentable, refusal
from api.graphql.kit.fields import schema_of
from api.graphql.server.admission import Admission, Gate
from api.graphql.server.authorization import Authorization
from api.graphql.server.connection_life import finished
from api.graphql.server.documents import Document, Documents
from api.graphql.server.negotiation import Outcome, Refused, try_again
from api.graphql.server.nul_check import refuse_nul
from api.graphql.server.requests import GraphQLRequest

P = TypeVar("P")
C = TypeVar("C")

_is_awaitable = cast(Callable[[object], TypeGuard[Awaitable[Any]]], optimized_is_awaitable)

OpenContext = Callable[[], AbstractAsyncContextManager[C]]
Answer = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Operation:
    """A request whose document is valid and within the limits, and asks for nothing that the caller may not see."""

    request: GraphQLRequest
    document: Document
    kind: OperationType


class Runner(Generic[P, C]):
    """Runs the operations of one schema; each with a context of its own, each event of a subscription too."""

    def __init__(
        self, schema: Schema, documents: Documents, authorization: Authorization[P], admission: Admission
    ) -> None:
        self._schema = schema_of(schema)
        self._executor_class = cast(type[Executor[C]], schema.execution_context_class)
        self._documents = documents
        self._authorization = authorization
        self._admission = admission

    def plan(self, request: GraphQLRequest, principal: P) -> Operation:
        """Return the operation, of which nothing has begun. Raise Refused when the caller may not run it."""
        document = self._documents.get(request.query, request.variables)
        operation = document.operation(request.operation_name)
        self._authorization.check(document, operation, principal)
        self._documents.check_inputs(operation, request.variables)
        return Operation(request, document, operation.operation)

    async def plan_for(self, request: GraphQLRequest, connection: HTTPConnection, principal: P) -> Operation:
        """Return what `plan` returns, and tell of mutations that were refused for want of a scope."""
        try:
            return self.plan(request, principal)
        except Refused as refusal:
            await self._authorization.report(refusal, connection, principal)
            raise

    async def run(self, operation: Operation, open_context: OpenContext[C]) -> Answer:
        """Return the answer to a query or a mutation. Raise Refused when a retry of the whole request is what helps."""
        executor = self._build(operation)
        async with open_context() as context:
            result = await _execute(executor, context)
        errors = [presentable(error) for error in result.errors or ()]
        # Of several mutations, those before the one that failed are done.
        repeatable = operation.kind is OperationType.QUERY or _is_single(executor.operation)
        if result.data is None and errors and repeatable and all(is_passing(error) for error in errors):
            raise try_again(errors)
        return _answer(result.data, errors)

    def stream(self, operation: Operation, open_context: OpenContext[C]) -> AsyncGenerator[Answer, None]:
        """Yield the answers to any operation: one, or a subscription's as they come."""
        executor = self._build(operation)
        if operation.kind is OperationType.SUBSCRIPTION:
            return _subscription(executor, open_context)
        return _single(executor, open_context, self._admission.gate(dear=operation.document.dear))

    def _build(self, operation: Operation) -> Executor[C]:
        nul = operation.request.nul or operation.document.nul
        built = self._executor_class.build(
            self._schema,
            operation.document.node,
            raw_variable_values=dict(operation.request.variables),
            operation_name=operation.request.operation_name,
            max_coercion_errors=10,
            is_awaitable=_is_awaitable,
            middleware=(refuse_nul,) if nul else None,
        )
        if isinstance(built, list):
            raise Refused(Outcome.INVALID, [coded(error, BAD_USER_INPUT) for error in built])
        return cast(Executor[C], built)


async def _single(executor: Executor[C], open_context: OpenContext[C], gate: Gate) -> AsyncGenerator[Answer, None]:
    async def execute() -> Answer:
        async with open_context() as context:
            return shown(await _execute(executor, context))

    # Nobody could tell which part of a mutation was done.
    whole = executor.operation.operation is OperationType.MUTATION
    try:
        async with gate.passed():
            answer = await (finished(execute()) if whole else execute())
    except Refused as full:
        answer = refused(full.errors)
    yield answer


async def _subscription(executor: Executor[C], open_context: OpenContext[C]) -> AsyncGenerator[Answer, None]:
    async def on_event(event: Executor[C]) -> ExecutionResult:
        async with open_context() as fresh:
            return await _execute(event, fresh)

    async with open_context() as context:
        executor.context_value = context
        source = create_source_event_stream(executor)
        events = await source if isawaitable(source) else source
        if isinstance(events, ExecutionResult):
            yield shown(events)
            return
        async with aclosing(map_source_to_response_event(executor, cast(Any, events), on_event)) as results:
            try:
                async for result in results:
                    yield shown(result)
            except Exception as error:  # noqa: BLE001 - the source's, which graphql-core lets through
                yield {"errors": [presentable(located_error(error)).formatted], "data": None}


async def _execute(executor: Executor[C], context: C) -> ExecutionResult:
    executor.context_value = context
    serially = False if executor.operation.operation is OperationType.SUBSCRIPTION else None
    result = executor.execute_operation(serially)
    return cast(ExecutionResult, await result if isawaitable(result) else result)


def shown(result: ExecutionResult) -> Answer:
    return _answer(result.data, [presentable(error) for error in result.errors or ()])


def _answer(data: object, errors: list[GraphQLError]) -> Answer:
    return {"errors": [error.formatted for error in errors], "data": data} if errors else {"data": data}


def _is_single(operation: OperationDefinitionNode) -> bool:
    selections = operation.selection_set.selections
    return len(selections) == 1 and isinstance(selections[0], FieldNode)


def refused(errors: list[GraphQLError]) -> Answer:
    return {"errors": [error.formatted for error in errors]}


def encode(answer: Answer) -> bytes:
    try:
        return orjson.dumps(answer)
    except TypeError as error:
        log.error("graphql.answer_not_json", exc_info=error)
        return orjson.dumps({"errors": [refusal("Internal error", INTERNAL).formatted], "data": None})
