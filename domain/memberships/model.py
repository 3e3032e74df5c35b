"""The rules of tracking: when a segment is evaluated again, and how many customers at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import cast
from uuid import UUID

from domain.kit.clock import day_of, midnight
from domain.segments.compiler.normal_form import And, Leaf, Node, Or
from domain.segments.filters import AttributeCondition, BehaviorCondition, MembershipCondition, Window

ENTERED, LEFT = "segment.entered", "segment.left"


@dataclass(frozen=True, slots=True)
class StepLimits:
    """The size of one step of tracking: so many changed customers, marks of them, and members that join or leave.

    When more customers than `max_changed` have changed, whole segments are compared instead.
    """

    customers: int = 2_000
    max_changed: int = 20_000
    marks: int = 1_000
    members: int = 5_000


STEP_LIMITS = StepLimits()


@dataclass(frozen=True, slots=True)
class MembershipMoves:
    """The customers who joined a segment and those who left it."""

    segment_id: UUID
    joiners: Sequence[int]
    leavers: Sequence[int]


# Fingerprints are stored: the text that they are made of is written with the names that it began with, so that renaming
# a class does not have every segment seeded anew, without events for those who joined or left meanwhile.
_STORED_NAMES: Mapping[type, str] = {
    And: "Every",
    Or: "Some",
    AttributeCondition: "Attribute",
    BehaviorCondition: "Behavior",
    MembershipCondition: "Membership",
    Window: "Window",
}


def fingerprint(node: Node, timezone: str) -> str:
    """Return what names the segment's conditions, those of referenced segments included."""
    return blake2b(f"{timezone} {_stored_text(node)}".encode(), digest_size=16).hexdigest()


def _stored_text(value: object) -> str:
    if isinstance(value, Leaf):
        return f"Leaf(condition={_stored_text(value.condition)}, holds={not value.negated})"
    if isinstance(value, tuple):
        texts = [_stored_text(item) for item in cast("tuple[object, ...]", value)]
        return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"
    if not isinstance(value, And | Or | AttributeCondition | BehaviorCondition | MembershipCondition | Window):
        return repr(value)
    texts = [f"{field.name}={_stored_text(getattr(value, field.name))}" for field in fields(value)]
    return f"{_STORED_NAMES[type(value)]}({', '.join(texts)})"


def next_midnight(now: datetime, timezone: str) -> datetime:
    return midnight(day_of(now, timezone) + timedelta(days=1), timezone)
