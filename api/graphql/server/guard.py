"""Checks of a document's shape, in linear time, before validation, which is quadratic in places."""

from collections.abc import Iterable, Sequence

from graphql import DocumentNode
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

from api.graphql.server.limits import Limits, too_complex


def check_shape(document: DocumentNode, limits: Limits) -> bool:
    """Return whether a string of the document holds U+0000. Raise QUERY_TOO_COMPLEX, by its shape alone."""
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
                for variable in definition.variable_definitions or ():
                    self._directives(variable.directives or ())
                    if variable.default_value:
                        self._value(variable.default_value)
            self._level([definition.selection_set.selections], 1)

    def _at_most(self, count: int, limit: int, noun: str) -> None:
        if count > limit:
            raise too_complex(noun, limit)

    def _level(self, selections: Iterable[Sequence[SelectionNode]], depth: int) -> None:
        """Selection sets that are merged into one: fields of one response name are compared pair by pair later."""
        self._at_most(depth, self._limits.depth, "levels of selections")
        groups: dict[str, list[FieldNode]] = {}
        pending = list(selections)
        while pending:
            for node in pending.pop():
                self._directives(node.directives or ())
                if isinstance(node, FieldNode):
                    self._aliases += node.alias is not None
                    self._at_most(self._aliases, self._limits.aliases, "aliases")
                    for argument in node.arguments or ():
                        self._value(argument.value)
                    name = node.alias.value if node.alias else node.name.value
                    groups.setdefault(name, []).append(node)
                elif isinstance(node, InlineFragmentNode):
                    pending.append(node.selection_set.selections)
        for group in groups.values():
            self._at_most(len(group), self._limits.same_name, "selections of one field side by side")
            self._overlaps += len(group) ** 2 if len(group) > 1 else 0
            self._at_most(self._overlaps, self._limits.overlaps, "repeated selections")
            inner = [f.selection_set.selections for f in group if f.selection_set]
            if inner:
                self._level(inner, depth + 1)

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
