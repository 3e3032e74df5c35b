"""Documents that were parsed, guarded and validated once, kept by their text."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLSchema, GraphQLSyntaxError, OperationType, parse, validate
from graphql.language import OperationDefinitionNode
from graphql.validation import specified_rules
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.graphql.kit.errors import PARSE_FAILED, QUERY_TOO_COMPLEX, VALIDATION_FAILED, coded
from api.graphql.kit.json_types import is_array
from api.graphql.server.cost import Prices
from api.graphql.server.guard import Limits, check_shape
from api.graphql.server.negotiation import Outcome, Refused

_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_MAX_ERRORS = 10
_MAX_SIZES = 64

Sizes = tuple[int | None, ...]


@dataclass(slots=True)
class Document:
    """A valid document, and the page sizes with which it was found cheap enough."""

    node: DocumentNode
    sized_by: tuple[str, ...]
    # Whether a string in it holds U+0000.
    nul: bool
    affordable: set[Sizes] = field(default_factory=set[Sizes])

    def sizes(self, variables: Mapping[str, Any]) -> Sizes:
        return tuple(_size(variables.get(name)) for name in self.sized_by)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        found = [d for d in self.node.definitions if isinstance(d, OperationDefinitionNode)]
        if name is not None:
            found = [d for d in found if d.name and d.name.value == name]
        if len(found) == 1:
            return found[0]
        why = "No operation has that name." if name is not None else "Name the operation with `operationName`."
        raise Refused(Outcome.INVALID, [coded(GraphQLError(why), VALIDATION_FAILED)])

    def kind(self, name: str | None) -> OperationType:
        return self.operation(name).operation


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
        self._prices = Prices(schema, self._limits)
        self._kept: OrderedDict[str, Document | Refused] = OrderedDict()
        self._characters = 0
        self._max_count = max_count
        self._max_characters = max_characters

    def get(self, text: str, variables: Mapping[str, Any]) -> Document:
        """The document, when it is valid and, with these variables, affordable."""
        kept = self._kept.get(text)
        if kept is None:
            kept = self._read(text)
            self._keep(text, kept)
        else:
            self._kept.move_to_end(text)
        if isinstance(kept, Refused):
            raise Refused(kept.outcome, kept.errors)
        self._check_sizes(kept, variables)
        return kept

    def __len__(self) -> int:
        return len(self._kept)

    def _read(self, text: str) -> Document | Refused:
        try:
            node = parse(
                text,
                max_tokens=self._limits.tokens,
                max_source_length=self._limits.characters,
            )
            nul = check_shape(node, self._limits)
            sized_by = self._prices.sized_by(node)
            if not sized_by:
                self._prices.check(node, {})
        except GraphQLSyntaxError as error:
            return _unreadable(error.with_traceback(None))
        except GraphQLError as error:
            return Refused(Outcome.TOO_COMPLEX, [coded(error.with_traceback(None), QUERY_TOO_COMPLEX)])
        errors = validate(self._schema, node, _RULES, max_errors=_MAX_ERRORS)
        if errors:
            return Refused(Outcome.INVALID, [coded(error, VALIDATION_FAILED) for error in errors])
        return Document(node, tuple(sorted(sized_by)), nul)

    def _check_sizes(self, document: Document, variables: Mapping[str, Any]) -> None:
        if not document.sized_by:
            return
        sizes = document.sizes(variables)
        if sizes in document.affordable:
            return
        try:
            self._prices.check(document.node, variables)
        except GraphQLError as error:
            raise Refused(Outcome.TOO_COMPLEX, [error]) from error
        if len(document.affordable) < _MAX_SIZES:
            document.affordable.add(sizes)

    def _keep(self, text: str, document: Document | Refused) -> None:
        if len(text) > self._max_characters // 10:
            return
        self._kept[text] = document
        self._characters += len(text)
        while len(self._kept) > self._max_count or self._characters > self._max_characters:
            oldest, _ = self._kept.popitem(last=False)
            self._characters -= len(oldest)


def _unreadable(error: GraphQLSyntaxError) -> Refused:
    # The parser's own limits on tokens, length and nesting come as syntax errors.
    if "contains more than" in error.message or "nested too deeply" in error.message:
        return Refused(Outcome.TOO_COMPLEX, [coded(error, QUERY_TOO_COMPLEX)])
    return Refused(Outcome.INVALID, [coded(error, PARSE_FAILED)])


def _size(value: object) -> int | None:
    """What a variable counts for: a page size, or the length of a list of IDs."""
    if is_array(value):
        return len(value)
    return int(value) if isinstance(value, int | float) else None
