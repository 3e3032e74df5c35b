"""The rules of tracking: when a segment is evaluated again, and how many customers at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from domain.kit.clock import day_of, midnight
from domain.segments.compiler.normal_form import Node

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


def fingerprint(node: Node, timezone: str) -> str:
    """Return what names the segment's conditions, those of referenced segments included."""
    return blake2b(f"{timezone} {node!r}".encode(), digest_size=16).hexdigest()


def next_midnight(now: datetime, timezone: str) -> datetime:
    return midnight(day_of(now, timezone) + timedelta(days=1), timezone)
