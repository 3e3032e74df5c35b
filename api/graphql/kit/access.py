"""Access: the scope that each field of the schema asks of a token."""

# graphql-core leaves its own generics open:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, get_named_type, is_leaf_type

from api.graphql.kit.context import Context
from api.graphql.kit.errors import forbidden
from domain.stores.model import TokenScope

CompositeType = GraphQLObjectType | GraphQLInterfaceType

_ASKS = "asks"
_DEFINITION = "strawberry-definition"

# What asks for nothing, by type or by field, each with its reason. It shows no value of a person, a file or the store.
OPEN: Mapping[str, str] = MappingProxyType(
    {
        "UserError": "what is wrong with the caller's own input",
        "Query.viewer": "the caller itself",
        "Viewer": "the caller itself; its store is asked for by Store",
        "ApiToken": "the caller's own; others are asked for by Query.apiTokens, and node() has none without its scope",
        "ApiTokenPayload.token": "what the caller has made",
        "ApiTokenRevokePayload.revokedId": "the ID that the caller gave",
        "CustomerUpsertPayload.created": "whether the caller's own key was new",
        "CustomersUpsertPayload.created": "how many of the caller's own keys were new",
        "CustomersUpsertPayload.updated": "how many of the caller's own keys were not",
        "EventsTrackPayload.accepted": "how many of the caller's own event IDs were new",
        "EventsTrackPayload.duplicates": "how many of the caller's own event IDs were not",
        "CustomerDeletePayload.deletedId": "the ID that the caller gave",
        "ListDeletePayload.deletedId": "the ID that the caller gave",
        "SegmentDeletePayload.deletedId": "the ID that the caller gave",
        # Who began work may wait for its end. How far it is counts rows, which may be the members of any filter.
        "Query.operation": "what it shows is asked for by Operation; its ID cannot be guessed",
        "Subscription.operationProgress": "what it shows is asked for by Operation; its ID cannot be guessed",
        "Operation.kind": "what the caller began",
        "Operation.status": "whether the work has ended, and how",
        "Operation.createdAt": "when the work was begun",
        "Operation.finishedAt": "when the work ended",
    }
)


def asks(scope: TokenScope) -> dict[Any, Any]:
    """Return the metadata of a field that asks for another scope than its type: `strawberry.field(metadata=...)`."""
    return {_ASKS: scope}


def scope_of(parent: CompositeType, name: str, field: GraphQLField) -> TokenScope | None:
    """Return the scope that a field asks for, READ unless something else is said; None when it asks for nothing.

    A field says so in its metadata, the class of a type by its attribute `asks`. The global ID of an object shows
    nobody: who makes customers may read back their IDs. A payload is open to the objects in it, which ask themselves.
    """
    definition = field.extensions.get(_DEFINITION)
    scope = getattr(definition, "metadata", {}).get(_ASKS)
    if isinstance(scope, TokenScope):
        return scope
    is_global_id = name == "id" and _is_node(parent)
    is_object_in_payload = parent.name.endswith("Payload") and not is_leaf_type(get_named_type(field.type))
    if is_global_id or is_object_in_payload or parent.name in OPEN or f"{parent.name}.{name}" in OPEN:
        return None
    type_ = parent.extensions.get(_DEFINITION)
    scope = getattr(getattr(type_, "origin", None), _ASKS, None)
    return scope if isinstance(scope, TokenScope) else TokenScope.READ


def require_scope(context: Context, scope: TokenScope) -> None:
    """Raise FORBIDDEN when the token lacks a scope that the values of an input ask for, which no document shows."""
    if not context.principal.may(scope):
        raise forbidden(scope.value)


def _is_node(type_: CompositeType) -> bool:
    return "Node" in {type_.name, *(interface.name for interface in type_.interfaces)}
