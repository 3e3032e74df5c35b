"""Authorization of operations: a caller who lacks a scope is refused before anything of the operation runs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from graphql import GraphQLError, GraphQLSchema, OperationType
from graphql.language import FieldNode, OperationDefinitionNode
from starlette.requests import HTTPConnection

from api.graphql.kit.errors import forbidden
from api.graphql.server.demands import DemandReader, ScopeOf
from api.graphql.server.documents import Document
from api.graphql.server.negotiation import Outcome, Refused
from domain.stores.model import TokenScope

P = TypeVar("P")

# Names of one operation: a document may ask for hundreds.
_MOST_REPORTED = 10


@dataclass(frozen=True, slots=True)
class Scopes(Generic[P]):
    """The scopes that the fields of a schema ask for, and those that a caller has."""

    scope_of: ScopeOf
    may: Callable[[P, TokenScope], bool]
    # Is told of the mutations of an operation that was refused.
    refused: Callable[[HTTPConnection, P, Sequence[str]], Awaitable[None]] | None = None


class Forbidden(Refused):
    """The caller lacks a scope that the operation asks for; `mutations` are the names of those in it."""

    def __init__(self, error: GraphQLError, mutations: Sequence[str]) -> None:
        super().__init__(Outcome.FORBIDDEN, [error])
        self.mutations = mutations


class Authorization(Generic[P]):
    """Checks callers of one schema. What an operation asks for is read once, and kept with its document."""

    def __init__(self, schema: GraphQLSchema, scopes: Scopes[P]) -> None:
        self._schema = schema
        self._scopes = scopes

    def check(self, document: Document, operation: OperationDefinitionNode, principal: P) -> None:
        """Raise Forbidden when the caller lacks a scope that the operation asks for."""
        name = operation.name.value if operation.name else None
        demands = document.demands.get(name)
        if demands is None:
            reader = DemandReader(self._schema, self._scopes.scope_of, document.node)
            demands = document.demands[name] = tuple(reader.demands(operation).values())
        for demand in demands:
            if not self._scopes.may(principal, demand.scope):
                error = forbidden(demand.scope.value, demand.type_name, demand.node.name.value)
                located = GraphQLError(error.message, demand.node, path=demand.path, extensions=error.extensions)
                raise Forbidden(located, _mutations(operation))

    async def report(self, refusal: Refused, connection: HTTPConnection, principal: P) -> None:
        """Tell of the mutations that were refused for want of a scope."""
        if isinstance(refusal, Forbidden) and refusal.mutations and self._scopes.refused is not None:
            await self._scopes.refused(connection, principal, refusal.mutations)


def _mutations(operation: OperationDefinitionNode) -> Sequence[str]:
    if operation.operation is not OperationType.MUTATION:
        return ()
    fields = [node.name.value for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    return list(dict.fromkeys(fields))[:_MOST_REPORTED]
