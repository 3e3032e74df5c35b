"""The rules of segments: names, update policies, and when the next list is due."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import count
from uuid import UUID

from domain.kit.clock import day_of, midnight
from domain.kit.errors import DomainError, ErrorCode
from domain.kit.values import UNSET, Unset
from domain.segments.filters import Definition

NAME_LENGTH = 50
DESCRIPTION_LENGTH = 2_000
CYCLES = (7, 14, 30, 60, 90)
_COPY = re.compile(r" \(copy(?: \d+)?\)$")


class SegmentKind(StrEnum):
    DYNAMIC = "DYNAMIC"
    STATIC = "STATIC"


class UpdateMode(StrEnum):
    MANUAL = "MANUAL"
    AUTO = "AUTO"


@dataclass(frozen=True, slots=True)
class UpdatePolicy:
    """The mode in which lists are made; the cycle counts from the day of the policy's last change (SL-07)."""

    mode: UpdateMode
    every_days: int | None
    started_on: date

    def next_day(self, today: date) -> date | None:
        """Return the first day of the cycle after today."""
        if self.every_days is None:
            return None
        past = max(0, (today - self.started_on).days) // self.every_days
        return self.started_on + timedelta(days=(past + 1) * self.every_days)


@dataclass(frozen=True, slots=True)
class PolicyInput:
    mode: UpdateMode
    every_days: int | None = None


@dataclass(frozen=True, slots=True)
class SegmentInput:
    """A caller's input of a segment; filters as the API takes them. A field left out stays as it is."""

    name: str | Unset | None = UNSET
    description: str | Unset | None = UNSET
    kind: SegmentKind | Unset | None = UNSET
    include: object = UNSET
    exclude: object = UNSET
    query: str | Unset | None = UNSET
    customer_ids: Sequence[int] | Unset | None = UNSET
    update: PolicyInput | Unset | None = UNSET

    @property
    def has_filter(self) -> bool:
        return any(raw is not UNSET and raw is not None for raw in (self.include, self.exclude, self.query))


def next_refresh(policy: UpdatePolicy, now: datetime, timezone: str) -> datetime | None:
    """Return 0:00 of the next day of the cycle, in the store's zone."""
    day = policy.next_day(day_of(now, timezone))
    return None if day is None else midnight(day, timezone)


def check_policy(policy: PolicyInput, now: datetime, timezone: str) -> UpdatePolicy:
    """Return the policy as it begins today. Raise DomainError for a cycle that does not exist."""
    today = day_of(now, timezone)
    if policy.mode is UpdateMode.MANUAL:
        if policy.every_days is not None:
            raise DomainError("A list made by hand has no cycle: leave everyDays out", field=("update", "everyDays"))
        return UpdatePolicy(UpdateMode.MANUAL, None, today)
    if policy.every_days not in CYCLES:
        code = ErrorCode.REQUIRED if policy.every_days is None else ErrorCode.INVALID
        raise DomainError("A cycle has 7, 14, 30, 60 or 90 days", field=("update", "everyDays"), code=code)
    return UpdatePolicy(UpdateMode.AUTO, policy.every_days, today)


def check_name(name: str | Unset | None) -> str:
    """Return the name, 1 to 50 characters without blanks around them (SL-49). Raise DomainError for any other."""
    if name is None or name is UNSET or not name.strip():
        raise DomainError("A segment needs a name", field=("name",), code=ErrorCode.REQUIRED)
    check_text(name, "name")
    if len(name.strip()) > NAME_LENGTH:
        raise DomainError(f"The name has {len(name.strip())} characters: {NAME_LENGTH} at most", field=("name",))
    return name.strip()


def check_description(description: str | None) -> str | None:
    if description is None:
        return None
    check_text(description, "description", lines=True)
    if len(description) > DESCRIPTION_LENGTH:
        raise DomainError(
            f"The description has {len(description)} characters: {DESCRIPTION_LENGTH} at most", field=("description",)
        )
    return description or None


def copy_names(name: str) -> Iterator[str]:
    """Yield the names that a copy may have, the shortest first."""
    original = _COPY.sub("", name)
    for number in count(1):
        ending = " (copy)" if number == 1 else f" (copy {number})"
        yield original[: NAME_LENGTH - len(ending)].rstrip() + ending


def check_text(text: str, field: str, *, lines: bool = False) -> None:
    """Raise DomainError for characters that cannot be shown; breaks of lines may be shown in `lines`."""
    for character in text:
        is_control = character < " " or character == "\x7f" or "\ud800" <= character <= "\udfff"
        if is_control and not (lines and character in "\r\n\t"):
            raise DomainError(f"The {field} holds characters that cannot be shown", field=(field,))


class InUse(DomainError):
    """Something refers to the segment or list that is to be deleted."""

    code = ErrorCode.IN_USE


def check_unused(noun: str, users: str, names: Sequence[str]) -> None:
    """Refuse the deletion of a segment or list that others refer to, with their names."""
    if names:
        quoted = ", ".join(f'"{name}"' for name in names)
        raise InUse(f"The {noun} is in use by the {users} {quoted}: change that first", field=("id",))


@dataclass(frozen=True, slots=True)
class Segment:
    store_id: int
    id: UUID
    name: str
    # The name of its lists, whatever it is renamed to (SL-15).
    list_name: str
    description: str | None
    kind: SegmentKind
    active: bool
    definition: Definition
    policy: UpdatePolicy
    created_at: datetime
    updated_at: datetime
    last_refreshed_at: datetime | None
    next_refresh_at: datetime | None

    def due_after(self, now: datetime, timezone: str) -> datetime | None:
        """Return when its next list is made by itself; an inactive segment makes none (RC-06)."""
        return next_refresh(self.policy, now, timezone) if self.active else None
