"""Condition trees as stored JSON, which gives the same tree again whatever the catalogue is by then."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from domain.segments.filters import (
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
    Window,
    to_input,
    to_json,
)

# Only what this module wrote itself is read here: hence Any.
Stored = Mapping[str, Any]


def to_stored(tree: Filter | None) -> dict[str, object] | None:
    """Return the tree as the API has it, but with times marked: text would not show that they are such."""
    return None if tree is None else to_input(tree, _write)


def definition(include: Stored | None, exclude: Stored | None) -> Definition:
    return Definition(
        None if include is None else from_stored(include), None if exclude is None else from_stored(exclude)
    )


def from_stored(raw: Stored) -> Filter:
    [(kind, inner)] = raw.items()
    match kind:
        case "all":
            return AllOf(tuple(from_stored(part) for part in inner))
        case "any":
            return AnyOf(tuple(from_stored(part) for part in inner))
        case "not":
            return Not(from_stored(inner))
        case "attribute":
            return _attribute(inner)
        case "behavior":
            return _behavior(inner)
        case _:
            segment_id, list_id = (inner[key] and UUID(inner[key]) for key in ("segmentId", "listId"))
            return MembershipCondition(segment_id, list_id, inner["member"])


def _attribute(raw: Stored) -> AttributeCondition:
    return AttributeCondition(raw["dimension"], Operator(raw["operator"]), _values(raw["values"]))


def _behavior(raw: Stored) -> BehaviorCondition:
    window = raw["window"]
    since, until = (window[end] and datetime.fromisoformat(window[end]) for end in ("from", "to"))
    return BehaviorCondition(
        raw["behavior"],
        tuple(_attribute(condition) for condition in raw["where"]),
        Aggregate(raw["aggregate"]),
        raw["of"],
        Operator(raw["operator"]),
        _values(raw["values"]),
        # Those stored before windows of hours have none.
        Window(window["lastDays"], since, until, window.get("lastHours")),
    )


def _values(raw: Sequence[Any]) -> tuple[Value, ...]:
    return tuple(_read(cast("Stored", value)) if isinstance(value, dict) else value for value in raw)


def _write(value: Value) -> object:
    if isinstance(value, datetime):
        return {"at": to_json(value)}
    return {"on": to_json(value)} if isinstance(value, date) else value


def _read(raw: Stored) -> date | datetime:
    return datetime.fromisoformat(raw["at"]) if "at" in raw else date.fromisoformat(raw["on"])
