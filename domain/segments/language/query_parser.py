"""Parse a query to a definition, or explain what was expected where."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from domain.kit.errors import DomainError, DomainErrors
from domain.segments.catalogue import Catalogue
from domain.segments.filters import BLACKLISTED, Aggregate, Definition, Filter, Operator
from domain.segments.language.filter_parser import FilterParser, ReadId, plain_id
from domain.segments.language.query_errors import expectation

LENGTH = 100_000
AGGREGATES: Final = frozenset(aggregate.value.lower() for aggregate in Aggregate)
_FIELD = ("query",)


def read(
    text: str,
    catalogue: Catalogue,
    timezone: str,
    *,
    property_conditions: int,
    read_id: ReadId = plain_id,
) -> Definition:
    """Return the definition. Raise DomainErrors for its faults, each with line and column."""
    if len(text) > LENGTH:
        raise DomainError(f"The query has {len(text)} characters: {LENGTH} at most", field=_FIELD)
    try:
        # The pair that `_Conditions.start` makes of it, not a tree.
        parsed: Any = cast("Any", _PARSER).parse(text)
    except UnexpectedInput as unexpected:
        raise DomainError(expectation(unexpected, text), field=_FIELD) from unexpected
    parser = FilterParser(catalogue, timezone, property_conditions, read_id)
    trees: list[Filter | None] = []
    for index, raw in enumerate(parsed):
        # Everyone and nobody are None; the usual exclusion is a tree already.
        is_tree = raw is None or raw == BLACKLISTED
        trees.append(raw if is_tree else parser.read(raw, (index,)))
    if parser.faults:
        located: list[DomainError] = []
        for fault in parser.faults:
            # By the nearest condition around it.
            node: Any = parsed
            line, column = 1, 1
            for step in fault.field:
                if isinstance(node, _Written):
                    line, column = node.line, node.column
                if isinstance(node, dict):
                    node = cast("dict[object, Any]", node).get(step)
                elif isinstance(node, list | tuple) and isinstance(step, int):
                    node = cast("Sequence[Any]", node)[step]
                else:
                    node = None
            message = f"Line {line}, column {column}: {fault.message}"
            located.append(DomainError(message, field=_FIELD, code=fault.code))
        raise DomainErrors(located)
    include, exclude = trees
    return Definition(include, exclude)


class _Written(dict[str, object]):
    """A condition as the API takes it, with the line and column where it was written."""

    def __init__(self, written: Token, condition: dict[str, object]) -> None:
        super().__init__(condition)
        self.line, self.column = written.line or 1, written.column or 1


class _Window(dict[str, object]):
    """The time in which a behavior counts."""


class _Of(str):
    """The attribute that an aggregate measures."""

    __slots__ = ()


class _Compared(dict[str, object]):
    """An operator and its values."""


class _Conditions(Transformer[Token, Any]):
    """Turn each rule of the grammar into the API's input for it."""

    def start(self, parts: list[Any]) -> tuple[Any, Any]:
        include = None if isinstance(parts[0], Token) else parts[0]
        return include, parts[1][0] if len(parts) > 1 else BLACKLISTED

    def exclusion(self, parts: list[Any]) -> tuple[Any]:
        return (None if isinstance(parts[0], Token) else parts[0],)

    def any_of(self, parts: list[Any]) -> dict[str, object]:
        return {"any": parts}

    def all_of(self, parts: list[Any]) -> dict[str, object]:
        return {"all": parts}

    one_of_all, one_of_any = all_of, any_of

    def negation(self, parts: list[Any]) -> dict[str, object]:
        return {"not": parts[0]}

    def membership(self, parts: list[Token]) -> _Written:
        sense, kind, quoted = parts
        key = "segmentId" if kind.type == "SEGMENT" else "listId"
        return _Written(sense, {"membership": {key: _text(quoted), "member": sense.type == "IN"}})

    def attribute(self, parts: list[Any]) -> _Written:
        name, compared = parts
        return _Written(name, {"attribute": {"dimension": _name(name), **compared}})

    def behavior(self, parts: list[Any]) -> _Written:
        name, *rest = parts
        key, suffix = _split(name)
        # Of `order.count`; or of `email.opened` alone, which is counted.
        aggregate = suffix.upper()
        if suffix.lower() not in AGGREGATES:
            if suffix and name.type == "QUOTED":
                raise _fault(name, f"{suffix} is none of {', '.join(sorted(AGGREGATES))}")
            key, aggregate = key if name.type == "QUOTED" else str(name), Aggregate.COUNT.value
        windows = [part for part in rest if isinstance(part, _Window)]
        measured = [part for part in rest if isinstance(part, _Of)]
        for repeated, kind in ((windows, "window"), (measured, "attribute to measure")):
            if len(repeated) > 1:
                raise _fault(name, f"{name} has more than one {kind}")
        condition: dict[str, object] = {
            "behavior": key,
            "where": [part["attribute"] for part in rest if isinstance(part, _Written)],
            "aggregate": aggregate,
            "of": str(measured[0]) if measured else None,
            "window": windows[0] if windows else None,
        }
        compared = next((part for part in rest if isinstance(part, _Compared)), None)
        return _Written(name, {"behavior": {**condition, **(compared or {})}})

    def of(self, parts: list[Token]) -> _Of:
        return _Of(_name(parts[0]))

    def last_days(self, parts: list[Token]) -> _Window:
        return _Window(lastDays=_number(parts[0]))

    def last_hours(self, parts: list[Token]) -> _Window:
        return _Window(lastHours=_number(parts[0]))

    def since(self, parts: list[Token]) -> _Window:
        return _Window(zip(("from", "to"), map(str, parts), strict=False))

    def until(self, parts: list[Token]) -> _Window:
        return _Window(to=str(parts[0]))

    def comparison(self, parts: list[Token]) -> _Compared:
        operator, *tokens = parts
        values: list[object] = []
        for token in tokens:
            match token.type:
                case "STRING":
                    values.append(_text(token))
                case "NUMBER":
                    values.append(_number(token))
                case "TRUE" | "FALSE":
                    values.append(token.type == "TRUE")
                case _:
                    values.append(str(token))
        return _Compared(operator=str(Operator(operator.type)), values=values)


_PARSER = Lark(
    Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8"),
    parser="lalr",
    transformer=_Conditions(),
    maybe_placeholders=False,
)


def _text(quoted: Token) -> str:
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError as error:
        raise _fault(quoted, "this text has an escape that JSON does not know") from error


def _number(token: Token) -> int | float:
    if len(token) > 100:
        raise _fault(token, "this number is too long")
    return int(token) if token.removeprefix("-").isdigit() else float(token)


def _name(token: Token) -> str:
    _, suffix = _split(token)
    if suffix and token.type == "QUOTED":
        raise _fault(token, "nothing follows a name in backquotes here")
    return token.strip("`") if token.type == "QUOTED" else str(token)


def _split(token: Token) -> tuple[str, str]:
    if token.type == "QUOTED":
        key, _, suffix = token[1:].partition("`")
        return key, suffix.removeprefix(".")
    key, _, suffix = token.rpartition(".")
    return key, suffix if key else ""


def _fault(token: Token, message: str) -> DomainError:
    return DomainError(f"Line {token.line}, column {token.column}: {message}", field=_FIELD)
