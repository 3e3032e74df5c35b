"""Cost of an operation: the nodes that it can make the server fetch, counted through `first` and `last`, and prices.

The cost of each fragment is computed once and sums saturate, so that a document that doubles itself twenty times
costs no more to refuse than to read.
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
from api.graphql.kit.prices import price_of
from api.graphql.server.limits import Limits, too_complex

_SATURATED = 10**9
_PLAIN_LIST = 10  # a list without a page size: tags, conditions, versions
_MUTATION = 50
_INTROSPECTED = {"types": 200, "fields": 10, "args": 2, "inputFields": 5, "enumValues": 5, "directives": 5}


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of a selection set, as if its fragments were written out."""

    depth: int = 0
    width: int = 0
    fields: int = 0
    nodes: int = 0
    introspected: int = 0

    def plus(self, other: "Cost") -> "Cost":
        return Cost(
            max(self.depth, other.depth),
            min(self.width + other.width, _SATURATED),
            min(self.fields + other.fields, _SATURATED),
            min(self.nodes + other.nodes, _SATURATED),
            min(self.introspected + other.introspected, _SATURATED),
        )


_LEAF = Cost(1, 1, 1)
_CYCLE = Cost(_SATURATED, _SATURATED, _SATURATED, _SATURATED, _SATURATED)


class CostChecker:
    """Checks a schema's documents. An introspection may cost as much as the standard one, and a fifth more."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self.schema = schema
        self.limits = limits
        standard = get_introspection_query(True, True, True, True, True, True)
        cost = next(iter(CostEstimate(self, parse(standard), {}).operations()))[1]
        self.introspection = cost.introspected * 6 // 5

    def survey(self, document: DocumentNode) -> "CostEstimate":
        """Return an estimate that knows the variables that the cost depends on, and whether the document is dear."""
        estimate = CostEstimate(self, document, {})
        for _ in estimate.operations():
            pass
        return estimate

    def check(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        """Raise QUERY_TOO_COMPLEX when an operation costs too much with these variables."""
        limits = self.limits
        for operation, cost in CostEstimate(self, document, variables).operations():
            nodes = f"nodes, lists counted by `first` or `last`, dear fields by their price ({cost.nodes:,} asked)"
            for value, limit, noun in (
                (cost.depth, limits.depth, "levels of selections"),
                (cost.width, limits.root_fields, "root fields"),
                (cost.fields, limits.fields, "fields, fragments written out"),
                (cost.nodes, limits.cost, nodes),
                (cost.introspected, self.introspection, "introspected types and fields"),
            ):
                if value > limit:
                    error = too_complex(noun, limit, asked=value)
                    name = operation.name.value if operation.name else None
                    error.extensions = {**(error.extensions or {}), "operation": name}
                    raise error


class CostEstimate:
    """Estimate of one document's cost with one set of variables."""

    def __init__(self, checker: CostChecker, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = checker.schema
        self._variables = variables
        self._document = document
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._fragment_costs: dict[str, Cost] = {}
        self.variables_read: set[str] = set()
        # Whether a field has a price, in any of the operations.
        self.is_dear = False

    def operations(self) -> Iterator[tuple[OperationDefinitionNode, Cost]]:
        for definition in self._document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                root = self._schema.get_root_type(definition.operation)
                cost = self._selections(definition.selection_set, root)
                if definition.operation is OperationType.MUTATION:
                    cost = cost.plus(Cost(nodes=min(cost.width * _MUTATION, _SATURATED)))
                yield definition, cost

    def _selections(self, selected: SelectionSetNode, parent: GraphQLNamedType | None) -> Cost:
        total = Cost()
        for node in selected.selections:
            match node:
                case FieldNode():
                    total = total.plus(self._field(node, parent))
                case InlineFragmentNode():
                    condition = node.type_condition
                    type_ = self._schema.get_type(condition.name.value) if condition else parent
                    total = total.plus(self._selections(node.selection_set, type_))
                case FragmentSpreadNode():
                    name = node.name.value
                    if name not in self._fragment_costs:
                        self._fragment_costs[name] = _CYCLE  # what a fragment that contains itself finds
                        fragment = self._fragments.get(name)
                        if fragment is None:
                            self._fragment_costs[name] = Cost()
                        else:
                            type_ = self._schema.get_type(fragment.type_condition.name.value)
                            self._fragment_costs[name] = self._selections(fragment.selection_set, type_)
                    total = total.plus(self._fragment_costs[name])
                case _:
                    pass
        return total

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Cost:
        definition = None
        if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            definition = self._schema.get_field(parent, node.name.value)
        type_ = get_named_type(definition.type) if definition else None
        price = self._price(node, definition)
        if node.selection_set is None or is_leaf_type(type_):
            return Cost(1, 1, 1, price) if price else _LEAF
        inner = self._selections(node.selection_set, type_)
        introspects = type_ is not None and type_.name.startswith("__")
        times = self._times(node, definition, parent)
        connection = 1 if type_ is not None and type_.name.endswith("Connection") else 0
        # What carries the objects of a list is free.
        object_ = 0 if type_ is not None and type_.name.endswith(("Connection", "Edge", "PageInfo")) else 1
        return Cost(
            inner.depth + 1,
            1,
            min(inner.fields + 1, _SATURATED),
            0 if introspects else min(price + connection + times * (object_ + inner.nodes), _SATURATED),
            min(times * (1 + inner.introspected), _SATURATED) if introspects else inner.introspected,
        )

    def _price(self, node: FieldNode, definition: GraphQLField | None) -> int:
        price = price_of(definition) if definition else None
        if price is None:
            return 0
        if price.argument is not None and price.argument not in {a.name.value for a in node.arguments or ()}:
            return 0
        self.is_dear = True
        return price.nodes

    def _times(self, node: FieldNode, definition: GraphQLField | None, parent: GraphQLNamedType | None) -> int:
        """Return the number of objects that the field can answer."""
        if definition is None:
            return 1
        if parent is not None and parent.name.startswith("__"):
            return _INTROSPECTED.get(node.name.value, 1)
        if "first" in definition.args or "last" in definition.args:
            sizes: list[int] = []
            for argument in node.arguments or ():
                if argument.name.value in ("first", "last"):
                    number = argument.value
                    value = self._variable_value(number) if isinstance(number, VariableNode) else None
                    if isinstance(value, int | float):
                        sizes.append(int(value))
                    elif isinstance(number, IntValueNode):
                        sizes.append(int(number.value[:10]))
            return min(max(sizes), MAX_SIZE) if sizes else DEFAULT_SIZE
        type_ = definition.type
        is_list = is_list_type(type_.of_type if is_non_null_type(type_) else type_)
        if not is_list or (parent is not None and parent.name.endswith("Connection")):
            return 1
        ids = next((a.value for a in node.arguments or () if a.name.value == "ids"), None)
        if isinstance(ids, ListValueNode):
            return len(ids.values)
        value = self._variable_value(ids) if isinstance(ids, VariableNode) else None
        return len(value) if is_array(value) else _PLAIN_LIST

    def _variable_value(self, variable: VariableNode) -> object:
        """Return the variable's value, or its default; the largest default, when operations differ."""
        name = variable.name.value
        self.variables_read.add(name)
        if name in self._variables:
            return self._variables[name]
        defaults = [
            int(v.default_value.value[:10])
            for d in self._document.definitions
            if isinstance(d, OperationDefinitionNode)
            for v in d.variable_definitions or ()
            if v.variable.name.value == name and isinstance(v.default_value, IntValueNode)
        ]
        return max(defaults, default=None)
