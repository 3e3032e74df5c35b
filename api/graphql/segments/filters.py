"""Condition trees: as clients write them, and as they are stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Optional
from uuid import UUID

import strawberry

from api.graphql.kit import global_ids
from api.graphql.kit.enums import Operator, expose
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import encode
from api.graphql.kit.scalars import JSON, print_instant
from domain.segments import filters
from domain.segments.filters import Aggregate, Definition

expose(
    Aggregate,
    {
        Aggregate.FIRST: "The time of the first one: compare with BEFORE, AFTER, WITHIN_LAST_DAYS, ...",
        Aggregate.DISTINCT: "Different values of `of`.",
        Aggregate.SHARE: "Percentage of all occurrences in the window that match `where`: 0 to 100.",
    },
)

Raw = Mapping[str, Any]


@strawberry.type
class AttributeCondition:
    raw: strawberry.Private[Raw]

    dimension: str = derived(lambda self: self.raw["dimension"])
    operator: Operator = derived(lambda self: Operator(self.raw["operator"]))
    values: list[JSON] = derived(lambda self: self.raw["values"])


@strawberry.type
class TimeWindow:
    raw: strawberry.Private[Raw]

    last_days: int | None = derived(lambda self: self.raw.get("lastDays"))
    last_hours: int | None = derived(lambda self: self.raw.get("lastHours"))
    start: datetime | None = derived(lambda self: _instant(self.raw.get("from")), name="from")
    to: datetime | None = derived(lambda self: _instant(self.raw.get("to")))


@strawberry.type
class BehaviorCondition:
    raw: strawberry.Private[Raw]

    behavior: str = derived(lambda self: self.raw["behavior"])
    where: list[AttributeCondition] = derived(
        lambda self: [AttributeCondition(raw=condition) for condition in self.raw["where"]]
    )
    aggregate: Aggregate = derived(lambda self: Aggregate(self.raw["aggregate"]))
    of: str | None = derived(lambda self: self.raw.get("of"))
    operator: Operator = derived(lambda self: Operator(self.raw["operator"]))
    values: list[JSON] = derived(lambda self: self.raw["values"])
    window: TimeWindow = derived(lambda self: TimeWindow(raw=self.raw.get("window") or {}))


@strawberry.type
class MembershipCondition:
    raw: strawberry.Private[Raw]

    segment_id: strawberry.ID | None = derived(lambda self: _gid("Segment", self.raw["segmentId"]))
    list_id: strawberry.ID | None = derived(lambda self: _gid("CustomerList", self.raw["listId"]))
    member: bool = derived(lambda self: self.raw["member"])


def _negated(filter_: "Filter") -> "Filter | None":
    return Filter(raw=filter_.raw["not"]) if "not" in filter_.raw else None


@strawberry.type(description="A condition tree as it is stored. Exactly one field is set.")
class Filter:
    raw: strawberry.Private[Raw]

    all: list["Filter"] | None = derived(lambda self: _filters(self.raw.get("all")))
    any: list["Filter"] | None = derived(lambda self: _filters(self.raw.get("any")))
    negated: Optional["Filter"] = derived(_negated, name="not")
    attribute: AttributeCondition | None = derived(
        lambda self: AttributeCondition(raw=self.raw["attribute"]) if "attribute" in self.raw else None
    )
    behavior: BehaviorCondition | None = derived(
        lambda self: BehaviorCondition(raw=self.raw["behavior"]) if "behavior" in self.raw else None
    )
    membership: MembershipCondition | None = derived(
        lambda self: MembershipCondition(raw=self.raw["membership"]) if "membership" in self.raw else None
    )


@strawberry.input(description='A fact about the customer: {dimension: "gender", operator: IN, values: ["FEMALE"]}.')
class AttributeConditionInput:
    dimension: str = strawberry.field(
        description='A key of the catalogue: "email", "tag", "tier", "consent.email", "property.website", ...'
    )
    operator: Operator
    values: list[JSON] = strawberry.field(default_factory=list[JSON])

    def raw(self) -> dict[str, object]:
        return {"dimension": self.dimension, "operator": self.operator, "values": self.values}


@strawberry.input(description="All time when empty.")
class TimeWindowInput:
    last_days: int | None = None
    last_hours: int | None = None
    start: datetime | None = strawberry.field(default=None, name="from")
    to: datetime | None = None

    def raw(self) -> dict[str, object]:
        return {
            "lastDays": self.last_days,
            "lastHours": self.last_hours,
            "from": self.start and print_instant(self.start),
            "to": self.to and print_instant(self.to),
        }


@strawberry.input(
    description=(
        "What the customer did, how often, when: "
        '{behavior: "order", where: [{dimension: "category", operator: IN, values: ["Accessories"]}], '
        "operator: GTE, values: [2], window: {lastDays: 90}}."
    )
)
class BehaviorConditionInput:
    behavior: str = strawberry.field(description='"order", or the type of an event.')
    where: list[AttributeConditionInput] = strawberry.field(default_factory=list[AttributeConditionInput])
    aggregate: Aggregate = Aggregate.COUNT
    of: str | None = strawberry.field(
        default=None, description='The number that SUM, AVERAGE, MIN, MAX work on, such as "total".'
    )
    operator: Operator = Operator.GTE
    values: list[JSON] = strawberry.field(default_factory=lambda: [JSON(1)])
    window: TimeWindowInput | None = None

    def raw(self) -> dict[str, object]:
        return {
            "behavior": self.behavior,
            "where": [condition.raw() for condition in self.where],
            "aggregate": self.aggregate,
            "of": self.of,
            "operator": self.operator,
            "values": self.values,
            "window": self.window and self.window.raw(),
        }


@strawberry.input(description="In, or not in, another segment or one of its lists.")
class MembershipConditionInput:
    segment_id: strawberry.ID | None = None
    list_id: strawberry.ID | None = None
    member: bool = True

    def raw(self) -> dict[str, object]:
        return {"segmentId": self.segment_id, "listId": self.list_id, "member": self.member}


@strawberry.input(one_of=True, description="Exactly one field.")
class FilterInput:
    all: strawberry.Maybe[list["FilterInput"]]
    any: strawberry.Maybe[list["FilterInput"]]
    negated: strawberry.Maybe["FilterInput"] = strawberry.field(name="not")
    attribute: strawberry.Maybe[AttributeConditionInput]
    behavior: strawberry.Maybe[BehaviorConditionInput]
    membership: strawberry.Maybe[MembershipConditionInput]

    def raw(self) -> dict[str, object]:
        """Return the filter as `domain.segments.language.filter_parser` reads it, which reports every fault's path."""
        if self.all is not None:
            return {"all": [part.raw() for part in self.all.value]}
        if self.any is not None:
            return {"any": [part.raw() for part in self.any.value]}
        if self.negated is not None:
            return {"not": self.negated.value.raw()}
        leaf = {"attribute": self.attribute, "behavior": self.behavior, "membership": self.membership}
        return {key: maybe.value.raw() for key, maybe in leaf.items() if maybe is not None}


def read_id(kind: str, gid: str) -> UUID | None:
    """Return the key of a segment's or list's ID; None when it is of another type."""
    return global_ids.uuid(gid, kind)


def write_id(kind: str, stored: UUID) -> str:
    return encode(kind, stored)


def include_of(definition: Definition) -> Filter | None:
    return None if definition.include is None else Filter(raw=filters.to_input(definition.include))


def exclude_of(definition: Definition) -> Filter | None:
    return None if definition.exclude is None else Filter(raw=filters.to_input(definition.exclude))


def _filters(parts: list[Raw] | None) -> list[Filter] | None:
    return None if parts is None else [Filter(raw=part) for part in parts]


def _gid(type_name: str, stored: str | None) -> strawberry.ID | None:
    return None if stored is None else encode(type_name, UUID(stored))


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
