"""The scopes that a document asks for by the fields that it selects, each of its fragments read once."""

# graphql-core leaves its own generics open:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from graphql import DocumentNode, GraphQLField, GraphQLNamedType, GraphQLSchema, get_named_type
from graphql.language import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.type import GraphQLInterfaceType, GraphQLObjectType

from api.graphql.kit.access import CompositeType
from domain.stores.model import TokenScope

ScopeOf = Callable[[CompositeType, str, GraphQLField], TokenScope | None]


@dataclass(frozen=True, slots=True)
class Demand:
    """A scope that an operation asks for, with the first of its fields that does."""

    scope: TokenScope
    type_name: str
    node: FieldNode
    path: tuple[str, ...]

    def below(self, field: FieldNode) -> "Demand":
        return replace(self, path=(_response_name(field), *self.path))


Demands = Mapping[TokenScope, Demand]


class DemandReader:
    """Reads one valid document: what it skips by a directive is asked for too."""

    def __init__(self, schema: GraphQLSchema, scope_of: ScopeOf, document: DocumentNode) -> None:
        self._schema = schema
        self._scope_of = scope_of
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._by_fragment: dict[str, Demands] = {}

    def demands(self, operation: OperationDefinitionNode) -> Demands:
        return self._selections(operation.selection_set, self._schema.get_root_type(operation.operation))

    def _selections(self, selected: SelectionSetNode, parent: GraphQLNamedType | None) -> Demands:
        demands: dict[TokenScope, Demand] = {}
        for node in selected.selections:
            match node:
                case FieldNode():
                    inner = self._field(node, parent)
                case InlineFragmentNode():
                    condition = node.type_condition
                    type_ = self._schema.get_type(condition.name.value) if condition else parent
                    inner = self._selections(node.selection_set, type_)
                case FragmentSpreadNode():
                    inner = self._fragment(node.name.value)
                case _:
                    inner = {}
            for scope, demand in inner.items():
                demands.setdefault(scope, demand)
        return demands

    def _fragment(self, name: str) -> Demands:
        if name not in self._by_fragment:
            fragment = self._fragments[name]
            type_ = self._schema.get_type(fragment.type_condition.name.value)
            self._by_fragment[name] = self._selections(fragment.selection_set, type_)
        return self._by_fragment[name]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Demands:
        name = node.name.value
        if name.startswith("__"):
            return {}  # the schema is no secret
        demands: dict[TokenScope, Demand] = {}
        result: GraphQLNamedType | None = None
        for type_ in self._types(parent):
            field = type_.fields[name]
            result = get_named_type(field.type) if type_ is parent else result
            scope = self._scope_of(type_, name, field)
            if scope is not None:
                demands.setdefault(scope, Demand(scope, type_.name, node, (_response_name(node),)))
        if node.selection_set is not None:
            for scope, demand in self._selections(node.selection_set, result).items():
                demands.setdefault(scope, demand.below(node))
        return demands

    def _types(self, parent: GraphQLNamedType | None) -> Iterator[CompositeType]:
        """The type that a field is read of, and for an interface, all that its objects may be of."""
        if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            yield parent
        if isinstance(parent, GraphQLInterfaceType):
            yield from self._schema.get_possible_types(parent)


def _response_name(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value
