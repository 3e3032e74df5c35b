"""From text to a definition, or to what was expected where."""

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
    """The definition; every fault of it comes with its line and column."""
    if len(text) > LENGTH:
        raise DomainError(f"The query has {len(text)} characters: {LENGTH} at most", field=_FIELD)
    include, exclude = _parse(text)
    reader = FilterParser(catalogue, timezone, property_conditions, read_id)
    trees = [_tree(reader, raw, index) for index, raw in enumerate((include, exclude))]
    if reader.faults:
        raise DomainErrors([_located(fault, (include, exclude)) for fault in reader.faults])
    return Definition(trees[0], trees[1])


def _tree(reader: FilterParser, raw: Any, index: int) -> Filter | None:
    """Everyone and nobody are None; the usual exclusion is a tree already."""
    if raw is None or raw == BLACKLISTED:
        return BLACKLISTED if raw == BLACKLISTED else None
    return reader.read(raw, (index,))


class _At(dict[str, object]):
    """A condition as the API takes it, and where it was written."""

    def __init__(self, written: Token, condition: dict[str, object]) -> None:
        super().__init__(condition)
        self.line, self.column = written.line or 1, written.column or 1


class _Window(dict[str, object]):
    """When a behavior is asked about."""


class _Of(str):
    """What an aggregate is of."""

    __slots__ = ()


class _Compared(dict[str, object]):
    """An operator and its values."""


class _Conditions(Transformer[Token, Any]):
    """Makes of each rule of the grammar what the API takes for it."""

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

    def membership(self, parts: list[Token]) -> _At:
        sense, kind, quoted = parts
        key = "segmentId" if kind.type == "SEGMENT" else "listId"
        return _At(sense, {"membership": {key: _text(quoted), "member": sense.type == "IN"}})

    def attribute(self, parts: list[Any]) -> _At:
        name, compared = parts
        return _At(name, {"attribute": {"dimension": _name(name), **compared}})

    def behavior(self, parts: list[Any]) -> _At:
        name, *rest = parts
        key, aggregate = _behavior(name)
        windows = [part for part in rest if isinstance(part, _Window)]
        measured = [part for part in rest if isinstance(part, _Of)]
        _at_most_one(name, windows, "window")
        _at_most_one(name, measured, "attribute to measure")
        condition: dict[str, object] = {
            "behavior": key,
            "where": [part["attribute"] for part in rest if isinstance(part, _At)],
            "aggregate": aggregate,
            "of": str(measured[0]) if measured else None,
            "window": windows[0] if windows else None,
        }
        compared = next((part for part in rest if isinstance(part, _Compared)), None)
        return _At(name, {"behavior": {**condition, **(compared or {})}})

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
        operator, *values = parts
        return _Compared(operator=str(Operator(operator.type)), values=[_value(value) for value in values])


_PARSER = Lark(
    Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8"),
    parser="lalr",
    transformer=_Conditions(),
    maybe_placeholders=False,
)


def _parse(text: str) -> tuple[Any, Any]:
    try:
        read: Any = cast("Any", _PARSER).parse(text)  # what `_Conditions.start` makes of it, not a tree
    except UnexpectedInput as unexpected:
        raise DomainError(expectation(unexpected, text), field=_FIELD) from unexpected
    include, exclude = read
    return include, exclude


def _located(fault: DomainError, roots: Sequence[object]) -> DomainError:
    """The fault with where it was written, which is the nearest condition around it."""
    node: Any = roots
    line, column = 1, 1
    for step in fault.field:
        if isinstance(node, _At):
            line, column = node.line, node.column
        node = _step(node, step)
    return DomainError(f"Line {line}, column {column}: {fault.message}", field=_FIELD, code=fault.code)


def _step(node: Any, step: str | int) -> Any:
    inside = step in node if isinstance(node, dict) else isinstance(node, list | tuple) and isinstance(step, int)
    return cast("Any", node)[step] if inside else None


def _text(quoted: Token) -> str:
    try:
        read = json.loads(quoted, strict=False)
    except ValueError as error:
        raise _fault(quoted, "this text has an escape that JSON does not know") from error
    return str(read)


def _value(token: Token) -> object:
    match token.type:
        case "STRING":
            return _text(token)
        case "NUMBER":
            return _number(token)
        case "TRUE" | "FALSE":
            return token.type == "TRUE"
        case _:
            return str(token)


def _number(token: Token) -> int | float:
    if len(token) > 100:
        raise _fault(token, "this number is too long")
    return int(token) if token.removeprefix("-").isdigit() else float(token)


def _name(token: Token) -> str:
    _, suffix = _split(token)
    if suffix and token.type == "QUOTED":
        raise _fault(token, "nothing follows a name in backquotes here")
    return token.strip("`") if token.type == "QUOTED" else str(token)


def _behavior(token: Token) -> tuple[str, str]:
    """A behavior's key, and how its occasions are brought together: `order.count`, or `email.opened` alone."""
    key, suffix = _split(token)
    if suffix.lower() in AGGREGATES:
        return key, suffix.upper()
    if suffix and token.type == "QUOTED":
        raise _fault(token, f"{suffix} is none of {', '.join(sorted(AGGREGATES))}")
    return (key if token.type == "QUOTED" else str(token)), Aggregate.COUNT.value


def _split(token: Token) -> tuple[str, str]:
    if token.type == "QUOTED":
        key, _, suffix = token[1:].partition("`")
        return key, suffix.removeprefix(".")
    key, _, suffix = token.rpartition(".")
    return key, suffix if key else ""


def _at_most_one(name: Token, parts: Sequence[object], said: str) -> None:
    if len(parts) > 1:
        raise _fault(name, f"{name} has more than one {said}")


def _fault(token: Token, message: str) -> DomainError:
    return DomainError(f"Line {token.line}, column {token.column}: {message}", field=_FIELD)
