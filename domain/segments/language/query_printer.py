"""Write a definition as text that reads as the same definition."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

from domain.segments.filters import (
    BLACKLISTED,
    Aggregate,
    AllOf,
    AnyOf,
    AttributeCondition,
    BehaviorCondition,
    Definition,
    Filter,
    MembershipCondition,
    Not,
    Operator,
    Value,
    to_json,
)
from domain.segments.language.query_parser import AGGREGATES

WriteId = Callable[[str, UUID], str]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*([.-][A-Za-z0-9_]+)*")
_KEYWORDS = frozenset(
    (
        *("everyone", "nobody", "exclude", "or", "and", "not", "all", "any", "in", "segment", "list"),
        *(
            "last",
            "exactly",
            "day",
            "days",
            "ago",
            "from",
            "to",
            "before",
            "after",
            "contains",
            "starts",
            "ends",
        ),
        *("month", "anniversary", "between", "is", "within", "more", "true", "false"),
    )
)
_SYMBOLS = {
    Operator.EQ: "=",
    Operator.NEQ: "!=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.BEFORE: "before",
    Operator.AFTER: "after",
    Operator.IN: "in",
    Operator.NOT_IN: "not in",
    Operator.CONTAINS: "contains",
    Operator.NOT_CONTAINS: "not contains",
    Operator.STARTS_WITH: "starts with",
    Operator.ENDS_WITH: "ends with",
    Operator.MONTH_IN: "month in",
    Operator.IS_SET: "is set",
    Operator.IS_NOT_SET: "is not set",
}
_PHRASES = {
    Operator.BETWEEN: "between {0} and {1}",
    Operator.WITHIN_LAST_DAYS: "within last {0} days",
    Operator.WITHIN_NEXT_DAYS: "within next {0} days",
    Operator.IN_DAYS: "exactly in {0} days",
    Operator.MORE_THAN_DAYS_AGO: "more than {0} days ago",
    Operator.ANNIVERSARY_IN_DAYS: "anniversary in {all} days",
}
_LISTED = {Operator.IN, Operator.NOT_IN, Operator.MONTH_IN, Operator.ANNIVERSARY_IN_DAYS}


def plain_id(_: str, stored: UUID) -> str:
    return str(stored)


def write(definition: Definition, write_id: WriteId = plain_id) -> str:
    include = "EVERYONE" if definition.include is None else _filter(definition.include, write_id)
    if definition.exclude == BLACKLISTED:
        return include
    return f"{include} EXCLUDE {'NOBODY' if definition.exclude is None else _filter(definition.exclude, write_id)}"


def _filter(tree: Filter, write_id: WriteId) -> str:
    match tree:
        case AllOf(parts):
            return _group("ALL", "AND", [_within(part, write_id) for part in parts])
        case AnyOf(parts):
            return _group("ANY", "OR", [_within(part, write_id) for part in parts])
        case Not(part):
            # NOT IN would be the membership's own sense.
            inner = _within(part, write_id)
            return f"NOT ({inner})" if isinstance(part, MembershipCondition) else f"NOT {inner}"
        case AttributeCondition():
            return _attribute(tree)
        case BehaviorCondition():
            return _behavior(tree)
        case MembershipCondition():
            sense = "in" if tree.member else "not in"
            kind, type_name = ("segment", "Segment") if tree.segment_id is not None else ("list", "CustomerList")
            referenced_id = tree.segment_id or tree.list_id
            assert referenced_id is not None
            return f"{sense} {kind} {_quoted(write_id(type_name, referenced_id))}"


def _group(alone: str, joined: str, parts: Sequence[str]) -> str:
    return f"{alone} ({parts[0]})" if len(parts) == 1 else f" {joined} ".join(parts)


def _within(part: Filter, write_id: WriteId) -> str:
    """Return a part of a group, in brackets when it is a group of several itself."""
    text = _filter(part, write_id)
    return f"({text})" if isinstance(part, AllOf | AnyOf) and len(part.parts) > 1 else text


def _attribute(condition: AttributeCondition) -> str:
    return f"{_name(condition.dimension)} {_comparison(condition.operator, condition.values)}"


def _behavior(condition: BehaviorCondition) -> str:
    name = _name(condition.behavior)
    if name.rpartition(".")[2].lower() in AGGREGATES:
        name = f"`{name}`"
    window = condition.window
    if window.last_days is not None:
        span = [f"last {window.last_days} days"]
    elif window.last_hours is not None:
        span = [f"last {window.last_hours} hours"]
    else:
        ends = [("from", window.since), ("to", window.until)]
        span = [" ".join(f"{word} {to_json(moment)}" for word, moment in ends if moment is not None)]
    arguments = ", ".join(
        [
            *([] if condition.of is None else [_name(condition.of)]),
            *(_attribute(attribute) for attribute in condition.where),
            *filter(None, span),
        ]
    )
    aggregate, comparison = condition.aggregate, (condition.operator, condition.values)
    if aggregate is Aggregate.COUNT and comparison == (Operator.GTE, (1,)):
        return f"{name}({arguments})"
    return f"{name}.{aggregate.value.lower()}({arguments}) {_comparison(*comparison)}"


def _comparison(operator: Operator, values: Sequence[Value]) -> str:
    written: list[str] = []
    for value in values:
        match value:
            case bool():
                written.append("true" if value else "false")
            case str():
                written.append(_quoted(value))
            case date():
                written.append(str(to_json(value)))
            case _:
                written.append(repr(value))
    phrase = _PHRASES.get(operator)
    if phrase is not None:
        return phrase.format(*written, all=_values(written))
    listed = f"({', '.join(written)})" if operator in _LISTED else _values(written)
    return f"{_SYMBOLS[operator]} {listed}" if written else _SYMBOLS[operator]


def _values(written: Sequence[str]) -> str:
    return written[0] if len(written) == 1 else f"({', '.join(written)})"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _name(key: str) -> str:
    plain = _NAME.fullmatch(key) and key.lower() not in _KEYWORDS
    return key if plain else f"`{key}`"
