"""The rules of lists: their names, how long they are valid, when one may be made by hand, what may be done with one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.kit.clock import day_of
from domain.kit.errors import DomainError, ErrorCode
from domain.segments.model import check_text

VALIDITY = timedelta(days=180)
NAME_LENGTH = 60


class ListStatus(StrEnum):
    GENERATING = "GENERATING"
    READY = "READY"
    FAILED = "FAILED"


class ListActionKind(StrEnum):
    ADD_CREDITS = "ADD_CREDITS"
    ADD_POINTS = "ADD_POINTS"
    SEND_COUPON = "SEND_COUPON"
    BROADCAST = "BROADCAST"


class ListExpired(DomainError):
    """The list is older than its validity of 180 days."""

    code = ErrorCode.EXPIRED


class FirstList(DomainError):
    """The first list is deleted with its segment alone."""

    code = ErrorCode.FIRST_LIST


class ListNotReady(DomainError):
    """The list is still being made, or could not be made, or its segment is inactive."""

    code = ErrorCode.INVALID_STATE


@dataclass(frozen=True, slots=True)
class CustomerList:
    store_id: int
    id: UUID
    segment_id: UUID
    name: str
    number: int
    status: ListStatus
    count: int
    created_at: datetime
    expires_at: datetime
    problem: str | None
    # No later list of the segment that has not failed, and has not failed itself.
    latest: bool
    # Whether its segment is active: the lists of an inactive one stay, but cannot be chosen (RC-06).
    active: bool = True

    def expired(self, now: datetime) -> bool:
        return now > self.expires_at

    def usable(self, now: datetime) -> bool:
        return self.status is ListStatus.READY and self.active and not self.expired(now)

    @property
    def deletable(self) -> bool:
        """Return whether it is not the first list, which is deleted with its segment alone (SL-16)."""
        return self.number > 1


@dataclass(frozen=True, slots=True)
class RefreshState:
    """The facts that decide whether a segment's next list may be made by hand now."""

    created_at: datetime
    last_refreshed_at: datetime | None
    active: bool = True
    # When lists that are still being made, or have failed, were begun.
    generating_since: Sequence[datetime] = ()
    failed_at: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class UnfinishedLists:
    """When a segment's lists that are being built, or have failed today, were requested."""

    generating_since: list[datetime] = field(default_factory=list[datetime])
    failed_at: list[datetime] = field(default_factory=list[datetime])


@dataclass(frozen=True, slots=True)
class GeneratingList:
    """A list of any store that is being made."""

    store_id: int
    list_id: UUID


def list_name(segment: str, number: int) -> str:
    """Return a list's name: the first is named like the segment, later ones end in "-2", "-3" (SL-15)."""
    return segment if number == 1 else f"{segment}-{number}"


def expires_at(created_at: datetime) -> datetime:
    """Return the end of a list's validity: 180 days from its own creation (SL-18)."""
    return created_at + VALIDITY


def check_name(name: str | None) -> str:
    """Return the name, 1 to 60 characters without blanks around them (SL-57). Raise DomainError for any other."""
    if name is None or not name.strip():
        raise DomainError("A list needs a name", field=("name",), code=ErrorCode.REQUIRED)
    check_text(name, "name")
    if len(name.strip()) > NAME_LENGTH:
        raise DomainError(f"The name has {len(name.strip())} characters: {NAME_LENGTH} at most", field=("name",))
    return name.strip()


def refresh_blocked_by(state: RefreshState, now: datetime, timezone: str) -> ErrorCode | None:
    """Return why a list cannot be made by hand now (SL-09 to SL-12); None when it can."""
    today = day_of(now, timezone)
    refreshes = [state.created_at, *filter(None, [state.last_refreshed_at])]
    if any(day_of(moment, timezone) == today for moment in refreshes):
        return ErrorCode.ALREADY_REFRESHED_TODAY
    failed_today = any(day_of(moment, timezone) == today for moment in state.failed_at)
    if not state.active or state.generating_since or failed_today:
        return ErrorCode.INVALID_STATE
    return None


def check_deletable(listed: CustomerList) -> None:
    """Raise FirstList for the first list of a segment."""
    if not listed.deletable:
        raise FirstList("The first list of a segment is deleted with the segment alone", field=("id",))


def check_selectable(listed: CustomerList, now: datetime) -> None:
    """Raise ListExpired or ListNotReady unless the list can be chosen as recipients now."""
    check_usable(listed, now)
    if not listed.active:
        raise ListNotReady(f"The segment of the list {listed.name} is inactive: activate it, or choose another")


def check_usable(listed: CustomerList, now: datetime) -> None:
    """Raise ListExpired or ListNotReady unless something may be sent or given to its members now."""
    if listed.expired(now):
        raise ListExpired(f"The list {listed.name} has expired: lists are valid for {VALIDITY.days} days")
    if listed.status is not ListStatus.READY:
        state = "is still being made" if listed.status is ListStatus.GENERATING else "could not be made"
        raise ListNotReady(f"The list {listed.name} {state}")
