"""Inputs that contain themselves, such as filters: a variable may hold so many objects of them, before any is read."""

# graphql-core leaves its own generics open:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLSchema, get_named_type
from graphql.language import NamedTypeNode, OperationDefinitionNode, TypeNode

from api.graphql.kit.json_types import is_array, is_object
from api.graphql.server.limits import too_complex


class InputTrees:
    """The input types of a schema by whose values a caller can ask for any amount of work."""

    def __init__(self, schema: GraphQLSchema, most: int) -> None:
        self._schema = schema
        self._most = most
        inner = {
            name: {
                named.name
                for field in type_.fields.values()
                if isinstance(named := get_named_type(field.type), GraphQLInputObjectType)
            }
            for name, type_ in schema.type_map.items()
            if isinstance(type_, GraphQLInputObjectType)
        }
        within = {name: _reachable(name, inner) for name in inner}
        self._trees = {name for name, names in within.items() if name in names}
        self._holders = {name for name, names in within.items() if names & self._trees}

    def check(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> None:
        """Raise QUERY_TOO_COMPLEX when the variables hold more objects of such types than there may be."""
        count = 0
        for definition in operation.variable_definitions or ():
            name = definition.variable.name.value
            if name in variables:
                count += self._count(variables[name], _name_of(definition.type), self._most - count)
        if count > self._most:
            raise too_complex("objects within each other in the variables", self._most)

    def _count(self, value: object, type_name: str, most: int) -> int:
        """Return the number of objects; of more than `most`, no more than it takes to know."""
        if type_name not in self._holders:
            return 0
        if type_name in self._trees:
            return _objects(value, most)
        count = 0
        pending = [value]
        type_ = self._schema.type_map[type_name]
        while pending and count <= most:
            holder = pending.pop()
            if is_array(holder):
                pending.extend(holder)
            elif is_object(holder) and isinstance(type_, GraphQLInputObjectType):
                for name, inner in holder.items():
                    if name in type_.fields:
                        count += self._count(inner, get_named_type(type_.fields[name].type).name, most - count)
        return count


def _reachable(name: str, inner: Mapping[str, set[str]]) -> set[str]:
    """Return the types that a value of this type may hold at any depth."""
    reached: set[str] = set()
    pending = set(inner[name])
    while pending:
        reached |= pending
        pending = {further for each in pending for further in inner[each]} - reached
    return reached


def _objects(tree: object, most: int) -> int:
    count = 0
    pending = [tree]
    while pending and count <= most:
        value = pending.pop()
        if is_object(value):
            count += 1
            pending.extend(value.values())
        elif is_array(value):
            pending.extend(value)
    return count


def _name_of(node: TypeNode) -> str:
    while not isinstance(node, NamedTypeNode):
        node = node.type  # type: ignore[attr-defined]
    return node.name.value
