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

    def mark(value: Value) -> object:
        if isinstance(value, datetime):
            return {"at": to_json(value)}
        return {"on": to_json(value)} if isinstance(value, date) else value

    return None if tree is None else to_input(tree, mark)


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
            window = inner["window"]
            since, until = (window[end] and datetime.fromisoformat(window[end]) for end in ("from", "to"))
            return BehaviorCondition(
                inner["behavior"],
                tuple(_attribute(condition) for condition in inner["where"]),
                Aggregate(inner["aggregate"]),
                inner["of"],
                Operator(inner["operator"]),
                _values(inner["values"]),
                # Those stored before windows of hours have none.
                Window(window["lastDays"], since, until, window.get("lastHours")),
            )
        case _:
            segment_id, list_id = (inner[key] and UUID(inner[key]) for key in ("segmentId", "listId"))
            return MembershipCondition(segment_id, list_id, inner["member"])


def _attribute(raw: Stored) -> AttributeCondition:
    return AttributeCondition(raw["dimension"], Operator(raw["operator"]), _values(raw["values"]))


def _values(raw: Sequence[Any]) -> tuple[Value, ...]:
    values: list[Value] = []
    for value in raw:
        if isinstance(value, dict):
            marked = cast("Stored", value)
            is_moment = "at" in marked
            values.append(datetime.fromisoformat(marked["at"]) if is_moment else date.fromisoformat(marked["on"]))
        else:
            values.append(value)
    return tuple(values)
