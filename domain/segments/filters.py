"""The condition tree of a segment: frozen values, without a catalogue or a database."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from domain.kit.errors import Path

Value: TypeAlias = str | int | float | bool | date | datetime


class Operator(StrEnum):
    IS_SET = "IS_SET"
    IS_NOT_SET = "IS_NOT_SET"
    EQ = "EQ"
    NEQ = "NEQ"
    IN = "IN"
    NOT_IN = "NOT_IN"
    CONTAINS = "CONTAINS"
    NOT_CONTAINS = "NOT_CONTAINS"
    STARTS_WITH = "STARTS_WITH"
    ENDS_WITH = "ENDS_WITH"
    LT = "LT"
    LTE = "LTE"
    GT = "GT"
    GTE = "GTE"
    BETWEEN = "BETWEEN"
    BEFORE = "BEFORE"
    AFTER = "AFTER"
    WITHIN_LAST_DAYS = "WITHIN_LAST_DAYS"
    MORE_THAN_DAYS_AGO = "MORE_THAN_DAYS_AGO"
    WITHIN_NEXT_DAYS = "WITHIN_NEXT_DAYS"
    IN_DAYS = "IN_DAYS"
    MONTH_IN = "MONTH_IN"
    ANNIVERSARY_IN_DAYS = "ANNIVERSARY_IN_DAYS"


POSITIVE = {
    Operator.NEQ: Operator.EQ,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_CONTAINS: Operator.CONTAINS,
    Operator.IS_NOT_SET: Operator.IS_SET,
}
"""The positive operator of each negative one, which is true exactly where the positive is not: also without a value."""

ORDERED = (Operator.LT, Operator.LTE, Operator.GT, Operator.GTE, Operator.BETWEEN)
"""Operators that compare by an order of values."""


class Aggregate(StrEnum):
    COUNT = "COUNT"
    SUM = "SUM"
    AVERAGE = "AVERAGE"
    MIN = "MIN"
    MAX = "MAX"
    FIRST = "FIRST"
    LAST = "LAST"
    DISTINCT = "DISTINCT"
    SHARE = "SHARE"


@dataclass(frozen=True, slots=True)
class AttributeCondition:
    """A fact about the customer, or about one thing that the customer did."""

    dimension: str
    operator: Operator
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """The last days or hours, now included; or from an instant on, up to another, which is outside. Empty: all time."""

    last_days: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    last_hours: int | None = None

    @property
    def is_open(self) -> bool:
        return self == ALL_TIME


ALL_TIME = Window()


@dataclass(frozen=True, slots=True)
class BehaviorCondition:
    """Something that the customer did: how often, how much, when."""

    behavior: str
    where: tuple[AttributeCondition, ...] = ()
    aggregate: Aggregate = Aggregate.COUNT
    of: str | None = None
    operator: Operator = Operator.GTE
    values: tuple[Value, ...] = (1,)
    window: Window = ALL_TIME


@dataclass(frozen=True, slots=True)
class MembershipCondition:
    """Member, or not, of another segment or of a list: one of the two is given."""

    segment_id: UUID | None = None
    list_id: UUID | None = None
    member: bool = True


Condition: TypeAlias = AttributeCondition | BehaviorCondition | MembershipCondition


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Filter"


Filter: TypeAlias = AllOf | AnyOf | Not | AttributeCondition | BehaviorCondition | MembershipCondition

BLACKLISTED = AttributeCondition("blacklisted", Operator.EQ, (True,))


@dataclass(frozen=True, slots=True)
class Definition:
    """A segment's filter: the customers who match `include` (None: everyone) and not `exclude` (None: nobody)."""

    include: Filter | None = None
    exclude: Filter | None = BLACKLISTED


def conditions(tree: Filter) -> Iterator[Condition]:
    """Yield every leaf, from left to right."""
    match tree:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from conditions(part)
        case Not(part):
            yield from conditions(part)
        case _:
            yield tree


def memberships(tree: Filter, path: Path = ()) -> Iterator[tuple[Path, MembershipCondition]]:
    """Yield the conditions on other segments and lists, each with its path as the API has it."""
    match tree:
        case AllOf(parts) | AnyOf(parts):
            kind = "all" if isinstance(tree, AllOf) else "any"
            for index, part in enumerate(parts):
                yield from memberships(part, (*path, kind, index))
        case Not(part):
            yield from memberships(part, (*path, "not"))
        case MembershipCondition():
            yield (*path, "membership", "segmentId" if tree.segment_id is not None else "listId"), tree
        case _:
            return


def conditions_of(definition: Definition) -> Iterator[Condition]:
    for tree in (definition.include, definition.exclude):
        if tree is not None:
            yield from conditions(tree)


def to_json(value: Value) -> str | int | float | bool:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def to_input(tree: Filter, write: Callable[[Value], object] = to_json) -> dict[str, object]:
    """Return the tree as the API takes it: one key, JSON's values."""
    match tree:
        case AllOf(parts):
            return {"all": [to_input(part, write) for part in parts]}
        case AnyOf(parts):
            return {"any": [to_input(part, write) for part in parts]}
        case Not(part):
            return {"not": to_input(part, write)}
        case AttributeCondition():
            return {"attribute": _attribute(tree, write)}
        case BehaviorCondition(window=window):
            behavior = {
                "behavior": tree.behavior,
                "where": [_attribute(narrowing, write) for narrowing in tree.where],
                "aggregate": tree.aggregate.value,
                "of": tree.of,
                "operator": tree.operator.value,
                "values": [write(value) for value in tree.values],
                "window": {
                    "lastDays": window.last_days,
                    "lastHours": window.last_hours,
                    "from": None if window.since is None else to_json(window.since),
                    "to": None if window.until is None else to_json(window.until),
                },
            }
            return {"behavior": behavior}
        case MembershipCondition(segment_id, list_id, member):
            ids = {"segmentId": segment_id, "listId": list_id}
            texts = {key: None if value is None else str(value) for key, value in ids.items()}
            return {"membership": {**texts, "member": member}}


def canonical(condition: Condition) -> str:
    """Return the condition as text: equal for equal conditions on any machine, another for any other."""
    return json.dumps(to_input(condition), sort_keys=True, separators=(",", ":"))


def _attribute(condition: AttributeCondition, write: Callable[[Value], object]) -> dict[str, object]:
    return {
        "dimension": condition.dimension,
        "operator": condition.operator.value,
        "values": [write(value) for value in condition.values],
    }
