"""What a segment is, and when its next list is due."""

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
    """When lists are made by themselves; the cycle counts from the day of the policy's last change (SL-07)."""

    mode: UpdateMode
    every_days: int | None
    started_on: date

    def next_day(self, today: date) -> date | None:
        """The first day of the cycle after today."""
        if self.every_days is None:
            return None
        past = max(0, (today - self.started_on).days) // self.every_days
        return self.started_on + timedelta(days=(past + 1) * self.every_days)


@dataclass(frozen=True, slots=True)
class Refreshes:
    """What decides whether a list may be made by hand now."""

    created_at: datetime
    last_refreshed_at: datetime | None
    active: bool = True
    # When lists that are still being made, or have failed, were begun.
    generating_since: Sequence[datetime] = ()
    failed_at: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class PolicyInput:
    mode: UpdateMode
    every_days: int | None = None


@dataclass(frozen=True, slots=True)
class SegmentInput:
    """What a caller says of a segment; filters as the API takes them. A field left out keeps its value."""

    name: str | Unset | None = UNSET
    description: str | Unset | None = UNSET
    kind: SegmentKind | Unset | None = UNSET
    include: object = UNSET
    exclude: object = UNSET
    query: str | Unset | None = UNSET
    customer_ids: Sequence[int] | Unset | None = UNSET
    update: PolicyInput | Unset | None = UNSET


def next_refresh(policy: UpdatePolicy, now: datetime, timezone: str) -> datetime | None:
    """0:00 of the next day of the cycle, in the store's zone."""
    day = policy.next_day(day_of(now, timezone))
    return None if day is None else midnight(day, timezone)


def refresh_blocked_by(refreshes: Refreshes, now: datetime, timezone: str) -> ErrorCode | None:
    """Why a list cannot be made by hand now (SL-09 to SL-12); None when it can."""
    today = day_of(now, timezone)
    spent = [refreshes.created_at, *filter(None, [refreshes.last_refreshed_at])]
    if any(day_of(moment, timezone) == today for moment in spent):
        return ErrorCode.ALREADY_REFRESHED_TODAY
    failed_today = any(day_of(moment, timezone) == today for moment in refreshes.failed_at)
    if not refreshes.active or refreshes.generating_since or failed_today:
        return ErrorCode.INVALID_STATE
    return None


def check_policy(wanted: PolicyInput, now: datetime, timezone: str) -> UpdatePolicy:
    """The policy as it begins today."""
    today = day_of(now, timezone)
    if wanted.mode is UpdateMode.MANUAL:
        if wanted.every_days is not None:
            raise DomainError("A list made by hand has no cycle: leave everyDays out", field=("update", "everyDays"))
        return UpdatePolicy(UpdateMode.MANUAL, None, today)
    if wanted.every_days not in CYCLES:
        code = ErrorCode.REQUIRED if wanted.every_days is None else ErrorCode.INVALID
        raise DomainError("A cycle has 7, 14, 30, 60 or 90 days", field=("update", "everyDays"), code=code)
    return UpdatePolicy(UpdateMode.AUTO, wanted.every_days, today)


def check_name(name: str | Unset | None) -> str:
    """A name of 1 to 50 characters (SL-49), without blanks around it."""
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
    """What a copy may be called, the shortest first; each within what a name may have."""
    original = _COPY.sub("", name)
    for number in count(1):
        ending = " (copy)" if number == 1 else f" (copy {number})"
        yield original[: NAME_LENGTH - len(ending)].rstrip() + ending


def check_text(text: str, field: str, *, lines: bool = False) -> None:
    """Refuse characters that cannot be shown; breaks of lines where there are `lines`."""
    if any(_is_unshowable(character, lines) for character in text):
        raise DomainError(f"The {field} holds characters that cannot be shown", field=(field,))


def _is_unshowable(character: str, lines: bool) -> bool:
    if character in "\r\n\t":
        return not lines
    return character < " " or character == "\x7f" or "\ud800" <= character <= "\udfff"


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
    # What its lists are called, whatever it is renamed to (SL-15).
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
        """When its next list is made by itself; an inactive one makes none (RC-06)."""
        return next_refresh(self.policy, now, timezone) if self.active else None
