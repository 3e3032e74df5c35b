"""Authorization of operations: a caller who lacks a scope is refused before anything of the operation runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from graphql import GraphQLError, GraphQLSchema
from graphql.language import OperationDefinitionNode

from api.graphql.kit.errors import forbidden
from api.graphql.server.demands import DemandReader, ScopeOf
from api.graphql.server.documents import Document
from api.graphql.server.negotiation import Outcome, Refused
from domain.stores.model import TokenScope

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Scopes(Generic[P]):
    """The scopes that the fields of a schema ask for, and those that a caller has."""

    scope_of: ScopeOf
    may: Callable[[P, TokenScope], bool]


class Authorization(Generic[P]):
    """Checks callers of one schema. What an operation asks for is read once, and kept with its document."""

    def __init__(self, schema: GraphQLSchema, scopes: Scopes[P]) -> None:
        self._schema = schema
        self._scopes = scopes

    def check(self, document: Document, operation: OperationDefinitionNode, principal: P) -> None:
        """Raise FORBIDDEN when the caller lacks a scope that the operation asks for."""
        name = operation.name.value if operation.name else None
        demands = document.demands.get(name)
        if demands is None:
            reader = DemandReader(self._schema, self._scopes.scope_of, document.node)
            demands = document.demands[name] = tuple(reader.demands(operation).values())
        for demand in demands:
            if not self._scopes.may(principal, demand.scope):
                error = forbidden(demand.scope.value, demand.type_name, demand.node.name.value)
                located = GraphQLError(error.message, demand.node, path=demand.path, extensions=error.extensions)
                raise Refused(Outcome.FORBIDDEN, [located])
