"""What a document may ask, judged in linear time before validation, which is quadratic in places."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from graphql import DocumentNode, GraphQLError
from graphql.language import (
    DirectiveNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    StringValueNode,
    ValueNode,
)

from api.graphql.kit.errors import QUERY_TOO_COMPLEX, refusal


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one document may hold."""

    characters: int = 200_000
    tokens: int = 2_000
    depth: int = 16
    aliases: int = 50
    root_fields: int = 50
    same_name: int = 10
    overlaps: int = 400
    operations: int = 10
    fragments: int = 50
    directives: int = 5
    value_depth: int = 30
    fields: int = 5_000
    cost: int = 5_000


def too_complex(what: str, limit: int) -> GraphQLError:
    return refusal(f"Too many {what}: at most {limit:,}.", QUERY_TOO_COMPLEX, limit=limit)


def check_shape(document: DocumentNode, limits: Limits) -> bool:
    """Raise for what can be seen without the schema; else say whether a string of it holds U+0000."""
    shape = Shape(limits)
    shape.check(document)
    return shape.nul


class Shape:
    """One pass over a document's nodes, each visited once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._aliases = 0
        self._overlaps = 0
        self.nul = False

    def check(self, document: DocumentNode) -> None:
        definitions = [d for d in document.definitions if isinstance(d, ExecutableDefinitionNode)]
        fragments = sum(isinstance(d, FragmentDefinitionNode) for d in definitions)
        self._at_most(fragments, self._limits.fragments, "fragments")
        self._at_most(len(definitions) - fragments, self._limits.operations, "operations")
        for definition in definitions:
            self._directives(definition.directives or ())
            if isinstance(definition, OperationDefinitionNode):
                self._variables(definition)
            self._level([definition.selection_set.selections], 1)

    def _at_most(self, count: int, limit: int, what: str) -> None:
        if count > limit:
            raise too_complex(what, limit)

    def _variables(self, operation: OperationDefinitionNode) -> None:
        for variable in operation.variable_definitions or ():
            self._directives(variable.directives or ())
            if variable.default_value:
                self._value(variable.default_value)

    def _level(self, selections: Iterable[Sequence[SelectionNode]], depth: int) -> None:
        """Selection sets that are merged into one: fields of one response name are compared pair by pair later."""
        self._at_most(depth, self._limits.depth, "levels of selections")
        groups: dict[str, list[FieldNode]] = {}
        for field in self._fields(selections):
            name = field.alias.value if field.alias else field.name.value
            groups.setdefault(name, []).append(field)
        for group in groups.values():
            self._at_most(len(group), self._limits.same_name, "selections of one field side by side")
            self._overlaps += len(group) ** 2 if len(group) > 1 else 0
            self._at_most(self._overlaps, self._limits.overlaps, "repeated selections")
            inner = [f.selection_set.selections for f in group if f.selection_set]
            if inner:
                self._level(inner, depth + 1)

    def _fields(self, selections: Iterable[Sequence[SelectionNode]]) -> Iterator[FieldNode]:
        pending = list(selections)
        while pending:
            for node in pending.pop():
                self._directives(node.directives or ())
                if isinstance(node, FieldNode):
                    self._count_field(node)
                    yield node
                elif isinstance(node, InlineFragmentNode):
                    pending.append(node.selection_set.selections)

    def _count_field(self, node: FieldNode) -> None:
        self._aliases += node.alias is not None
        self._at_most(self._aliases, self._limits.aliases, "aliases")
        for argument in node.arguments or ():
            self._value(argument.value)

    def _directives(self, directives: Sequence[DirectiveNode]) -> None:
        self._at_most(len(directives), self._limits.directives, "directives in one place")
        for directive in directives:
            for argument in directive.arguments or ():
                self._value(argument.value)

    def _value(self, value: ValueNode, depth: int = 1) -> None:
        self._at_most(depth, self._limits.value_depth, "levels in a value")
        if isinstance(value, StringValueNode):
            self.nul = self.nul or "\0" in value.value
        if isinstance(value, ListValueNode):
            for item in value.values:
                self._value(item, depth + 1)
        if isinstance(value, ObjectValueNode):
            for entry in value.fields:
                self._value(entry.value, depth + 1)
