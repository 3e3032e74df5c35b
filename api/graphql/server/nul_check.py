"""The character U+0000, which no database stores: an argument that holds it is refused with its path."""

# graphql-core leaves its own generics open:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Iterator
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLResolveInfo, OperationType, get_named_type

from api.graphql.kit.errors import user_errors
from api.graphql.kit.json_types import is_array, is_object
from domain.kit.errors import DomainError, DomainErrors, Path

Resolving = GraphQLResolveInfo[Any]

_MESSAGE = "The text holds the character U+0000: leave it out"
_AT_MOST = 100
# Their parsers report the character themselves, with its path.
_CHECKED_BY_PARSERS = frozenset({"FilterInput"})


def refuse_nul(resolve: Callable[..., object], source: object, info: Resolving, /, **arguments: object) -> object:
    """A resolver's middleware, for the requests that hold the character: a mutation answers with `userErrors`."""
    types = info.parent_type.fields[info.field_name].args
    paths: list[Path] = []
    for name, value in arguments.items():
        paths += _within(value, get_named_type(types[name].type), (name,))
    if not paths:
        return resolve(source, info, **arguments)
    faults = DomainErrors([DomainError(_MESSAGE, field=path) for path in paths[:_AT_MOST]])
    answer = get_named_type(info.return_type)
    is_mutation = info.operation.operation is OperationType.MUTATION and info.path.prev is None
    if not is_mutation or "userErrors" not in getattr(answer, "fields", ()):
        raise faults
    payload: Callable[..., object] = answer.extensions["strawberry-definition"].origin
    return payload(user_errors=user_errors(faults))


def _within(value: object, type_: Any, path: Path) -> Iterator[Path]:
    if getattr(type_, "name", None) in _CHECKED_BY_PARSERS:
        return
    if isinstance(value, str):
        if "\0" in value:
            yield path
    elif is_array(value):
        for position, item in enumerate(value):
            yield from _within(item, type_, (*path, position))
    elif is_object(value):
        fields = type_.fields if isinstance(type_, GraphQLInputObjectType) else {}
        for name, item in value.items():
            if "\0" in name:
                yield path
            yield from _within(item, get_named_type(fields[name].type) if name in fields else None, (*path, name))
