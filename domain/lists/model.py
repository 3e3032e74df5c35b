"""What a list is: its name, how long it is valid, what may be done with it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.errors import DomainError, ErrorCode

VALIDITY = timedelta(days=180)


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


class ListNotReady(DomainError):
    """The list is still being made, or could not be made."""

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

    def expired(self, now: datetime) -> bool:
        return now > self.expires_at

    def usable(self, now: datetime) -> bool:
        return self.status is ListStatus.READY and not self.expired(now)

    @property
    def deletable(self) -> bool:
        """The first list goes with its segment alone (SL-16)."""
        return self.number > 1


def list_name(segment: str, number: int) -> str:
    """The first list is called as the segment was when it was made, later ones "-2", "-3", ... behind it (SL-15)."""
    return segment if number == 1 else f"{segment}-{number}"


def expires_at(created_at: datetime) -> datetime:
    """180 days from the list's own creation (SL-18)."""
    return created_at + VALIDITY


def check_usable(listed: CustomerList, now: datetime) -> None:
    """Whether something may be sent or given to it now."""
    if listed.expired(now):
        raise ListExpired(f"The list {listed.name} has expired: lists are valid for {VALIDITY.days} days")
    if listed.status is not ListStatus.READY:
        state = "is still being made" if listed.status is ListStatus.GENERATING else "could not be made"
        raise ListNotReady(f"The list {listed.name} {state}")
