"""How much an operation can make the server fetch: nodes, counted through `first` and `last`.

Fragments are weighed once each and sums saturate, so that a document that doubles itself twenty times costs
no more to refuse than to read.
"""

# graphql-core leaves its own generics open:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import DocumentNode, GraphQLSchema, get_introspection_query, get_named_type, parse
from graphql.language import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)
from graphql.type import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from api.graphql.kit.connection import DEFAULT_SIZE, MAX_SIZE
from api.graphql.kit.json_types import is_array
from api.graphql.server.guard import Limits, too_complex

_SATURATED = 10**9
_PLAIN_LIST = 10  # a list without a page size: tags, conditions, versions
_MUTATION = 50
_INTROSPECTED = {"types": 200, "fields": 10, "args": 2, "inputFields": 5, "enumValues": 5, "directives": 5}


@dataclass(frozen=True, slots=True)
class Weight:
    """Of a selection set, as if its fragments were written out."""

    depth: int = 0
    width: int = 0
    fields: int = 0
    nodes: int = 0
    introspected: int = 0

    def beside(self, other: "Weight") -> "Weight":
        return Weight(
            max(self.depth, other.depth),
            min(self.width + other.width, _SATURATED),
            min(self.fields + other.fields, _SATURATED),
            min(self.nodes + other.nodes, _SATURATED),
            min(self.introspected + other.introspected, _SATURATED),
        )


_LEAF = Weight(1, 1, 1)
_CYCLE = Weight(_SATURATED, _SATURATED, _SATURATED, _SATURATED, _SATURATED)


class Prices:
    """A schema's limits on cost. An introspection may ask what the standard one does, and a fifth more."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self.schema = schema
        self.limits = limits
        standard = get_introspection_query(True, True, True, True, True, True)
        weight = next(iter(Weighing(self, parse(standard), {}).operations()))[1]
        self.introspection = weight.introspected * 6 // 5

    def sized_by(self, document: DocumentNode) -> frozenset[str]:
        """The variables that have a say in what the document costs."""
        weighing = Weighing(self, document, {})
        for _ in weighing.operations():
            pass
        return frozenset(weighing.consulted)

    def check(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        """Raise when an operation asks too much with these variables."""
        for operation, weight in Weighing(self, document, variables).operations():
            self._check(operation, weight)

    def _check(self, operation: OperationDefinitionNode, weight: Weight) -> None:
        limits = self.limits
        for value, limit, what in (
            (weight.depth, limits.depth, "levels of selections"),
            (weight.width, limits.root_fields, "root fields"),
            (weight.fields, limits.fields, "fields, fragments written out"),
            (weight.nodes, limits.cost, f"nodes, lists counted by `first` or `last` ({weight.nodes:,} asked)"),
            (weight.introspected, self.introspection, "introspected types and fields"),
        ):
            if value > limit:
                error = too_complex(what, limit)
                error.extensions = {**(error.extensions or {}), "operation": _name(operation)}
                raise error


def _name(operation: OperationDefinitionNode) -> str | None:
    return operation.name.value if operation.name else None


class Weighing:
    """One document weighed with one set of variables."""

    def __init__(self, prices: Prices, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = prices.schema
        self._variables = variables
        self._document = document
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._known: dict[str, Weight] = {}
        self.consulted: set[str] = set()

    def operations(self) -> Iterator[tuple[OperationDefinitionNode, Weight]]:
        for definition in self._document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                root = self._schema.get_root_type(definition.operation)
                weight = self._selections(definition.selection_set, root)
                if definition.operation is OperationType.MUTATION:
                    weight = weight.beside(Weight(nodes=min(weight.width * _MUTATION, _SATURATED)))
                yield definition, weight

    def _selections(self, selected: SelectionSetNode, parent: GraphQLNamedType | None) -> Weight:
        total = Weight()
        for node in selected.selections:
            match node:
                case FieldNode():
                    total = total.beside(self._field(node, parent))
                case InlineFragmentNode():
                    total = total.beside(self._selections(node.selection_set, self._narrowed(node, parent)))
                case FragmentSpreadNode():
                    total = total.beside(self._fragment(node.name.value))
                case _:
                    pass
        return total

    def _narrowed(self, node: InlineFragmentNode, parent: GraphQLNamedType | None) -> GraphQLNamedType | None:
        return self._schema.get_type(node.type_condition.name.value) if node.type_condition else parent

    def _fragment(self, name: str) -> Weight:
        if name not in self._known:
            self._known[name] = _CYCLE  # what a fragment that contains itself finds
            fragment = self._fragments.get(name)
            self._known[name] = (
                self._selections(fragment.selection_set, self._schema.get_type(fragment.type_condition.name.value))
                if fragment
                else Weight()
            )
        return self._known[name]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Weight:
        definition = _definition(self._schema, parent, node.name.value)
        type_ = get_named_type(definition.type) if definition else None
        if node.selection_set is None or is_leaf_type(type_):
            return _LEAF
        inner = self._selections(node.selection_set, type_)
        introspects = type_ is not None and type_.name.startswith("__")
        times = self._times(node, definition, parent)
        return Weight(
            inner.depth + 1,
            1,
            min(inner.fields + 1, _SATURATED),
            0 if introspects else min(_outer(type_) + times * (_price(type_) + inner.nodes), _SATURATED),
            min(times * (1 + inner.introspected), _SATURATED) if introspects else inner.introspected,
        )

    def _times(self, node: FieldNode, definition: GraphQLField | None, parent: GraphQLNamedType | None) -> int:
        """How many objects the field can answer."""
        if definition is None:
            return 1
        if parent is not None and parent.name.startswith("__"):
            return _INTROSPECTED.get(node.name.value, 1)
        if "first" in definition.args or "last" in definition.args:
            return self._page_size(node)
        if parent is not None and parent.name.endswith("Connection"):
            return 1
        return self._listed(node) if _is_list(definition) else 1

    def _page_size(self, node: FieldNode) -> int:
        sizes = [self._number(a.value) for a in node.arguments or () if a.name.value in ("first", "last")]
        given = [size for size in sizes if size is not None]
        return min(max(given), MAX_SIZE) if given else DEFAULT_SIZE

    def _listed(self, node: FieldNode) -> int:
        ids = next((a.value for a in node.arguments or () if a.name.value == "ids"), None)
        if isinstance(ids, ListValueNode):
            return len(ids.values)
        given = self._given(ids) if isinstance(ids, VariableNode) else None
        return len(given) if is_array(given) else _PLAIN_LIST

    def _number(self, value: ValueNode) -> int | None:
        if isinstance(value, VariableNode):
            given = self._given(value)
            return int(given) if isinstance(given, int | float) else None
        return int(value.value[:10]) if isinstance(value, IntValueNode) else None

    def _given(self, variable: VariableNode) -> object:
        name = variable.name.value
        self.consulted.add(name)
        return self._variables[name] if name in self._variables else self._default(name)

    def _default(self, name: str) -> object:
        """A variable's default; the largest, when operations differ."""
        values = [
            int(v.default_value.value[:10])
            for d in self._document.definitions
            if isinstance(d, OperationDefinitionNode)
            for v in d.variable_definitions or ()
            if v.variable.name.value == name and isinstance(v.default_value, IntValueNode)
        ]
        return max(values, default=None)


def _price(type_: GraphQLNamedType | None) -> int:
    """Of one object in a list; what carries it is free."""
    return 0 if type_ is not None and type_.name.endswith(("Connection", "Edge", "PageInfo")) else 1


def _outer(type_: GraphQLNamedType | None) -> int:
    return 1 if type_ is not None and type_.name.endswith("Connection") else 0


def _is_list(definition: GraphQLField) -> bool:
    type_ = definition.type
    return is_list_type(type_.of_type if is_non_null_type(type_) else type_)


def _definition(schema: GraphQLSchema, parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        return schema.get_field(parent, name)
    return None
