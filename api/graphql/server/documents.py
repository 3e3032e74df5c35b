"""A cache of documents by their text: parsed, checked and validated once."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLSchema, GraphQLSyntaxError, parse, validate
from graphql.language import OperationDefinitionNode
from graphql.validation import specified_rules
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.graphql.kit.errors import PARSE_FAILED, QUERY_TOO_COMPLEX, VALIDATION_FAILED, coded
from api.graphql.kit.json_types import is_array
from api.graphql.server.cost import CostChecker
from api.graphql.server.demands import Demand
from api.graphql.server.guard import check_shape
from api.graphql.server.input_trees import InputTrees
from api.graphql.server.limits import Limits
from api.graphql.server.negotiation import Outcome, Refused

_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_MAX_ERRORS = 10
_MAX_SIZES = 64

Sizes = tuple[int | None, ...]


@dataclass(slots=True)
class Document:
    """A valid document, the page sizes with which its cost is within the limits, and the scopes that it asks for."""

    node: DocumentNode
    cost_variables: tuple[str, ...]
    # Whether a string in it holds U+0000.
    nul: bool
    # Whether a field in it has a price.
    dear: bool
    affordable: set[Sizes] = field(default_factory=set[Sizes])
    # By the names of the operations that were run.
    demands: dict[str | None, tuple[Demand, ...]] = field(default_factory=dict[str | None, tuple[Demand, ...]])

    def sizes(self, variables: Mapping[str, Any]) -> Sizes:
        """Return the count that each variable stands for: a page size, or the length of a list of IDs."""
        values = (variables.get(name) for name in self.cost_variables)
        return tuple(
            len(value) if is_array(value) else int(value) if isinstance(value, int | float) else None
            for value in values
        )

    def operation(self, name: str | None) -> OperationDefinitionNode:
        operations = [d for d in self.node.definitions if isinstance(d, OperationDefinitionNode)]
        if name is not None:
            operations = [operation for operation in operations if operation.name and operation.name.value == name]
        if len(operations) == 1:
            return operations[0]
        message = "No operation has that name" if name is not None else "Name the operation with `operationName`"
        raise Refused(Outcome.INVALID, [coded(GraphQLError(message), VALIDATION_FAILED)])


class Documents:
    """An LRU bounded by count and by characters, each of which takes up to 300 bytes in memory once parsed."""

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits | None = None,
        *,
        max_count: int = 1_000,
        max_characters: int = 200_000,
    ) -> None:
        self._schema = schema
        self._limits = limits or Limits()
        self._costs = CostChecker(schema, self._limits)
        self._trees = InputTrees(schema, self._limits.tree_objects)
        self._entries: OrderedDict[str, Document | Refused] = OrderedDict()
        self._characters = 0
        self._max_count = max_count
        self._max_characters = max_characters

    def get(self, text: str, variables: Mapping[str, Any]) -> Document:
        """Return the document. Raise Refused when it is invalid, or costs too much with these variables."""
        entry = self._entries.get(text)
        if entry is None:
            entry = self._read(text)
            if len(text) <= self._max_characters // 10:
                self._entries[text] = entry
                self._characters += len(text)
            while len(self._entries) > self._max_count or self._characters > self._max_characters:
                oldest, _ = self._entries.popitem(last=False)
                self._characters -= len(oldest)
        else:
            self._entries.move_to_end(text)
        if isinstance(entry, Refused):
            raise Refused(entry.outcome, entry.errors)
        sizes = entry.sizes(variables)
        if entry.cost_variables and sizes not in entry.affordable:
            try:
                self._costs.check(entry.node, variables)
            except GraphQLError as error:
                raise Refused(Outcome.TOO_COMPLEX, [error]) from error
            if len(entry.affordable) < _MAX_SIZES:
                entry.affordable.add(sizes)
        return entry

    def check_inputs(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> None:
        """Raise Refused when an input of an operation's variables is larger than any that is taken."""
        try:
            self._trees.check(operation, variables)
        except GraphQLError as error:
            raise Refused(Outcome.TOO_COMPLEX, [error]) from error

    def __len__(self) -> int:
        return len(self._entries)

    def _read(self, text: str) -> Document | Refused:
        try:
            node = parse(
                text,
                max_tokens=self._limits.tokens,
                max_source_length=self._limits.characters,
            )
            nul = check_shape(node, self._limits)
            survey = self._costs.survey(node)
            if not survey.variables_read:
                self._costs.check(node, {})
        except GraphQLSyntaxError as error:
            # The parser's own limits on tokens, length and nesting come as syntax errors.
            if "contains more than" in error.message or "nested too deeply" in error.message:
                return Refused(Outcome.TOO_COMPLEX, [coded(error.with_traceback(None), QUERY_TOO_COMPLEX)])
            return Refused(Outcome.INVALID, [coded(error.with_traceback(None), PARSE_FAILED)])
        except GraphQLError as error:
            return Refused(Outcome.TOO_COMPLEX, [coded(error.with_traceback(None), QUERY_TOO_COMPLEX)])
        errors = validate(self._schema, node, _RULES, max_errors=_MAX_ERRORS)
        if errors:
            return Refused(Outcome.INVALID, [coded(error, VALIDATION_FAILED) for error in errors])
        return Document(node, tuple(sorted(survey.variables_read)), nul, survey.is_dear)
