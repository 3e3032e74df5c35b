"""What may become of a delivery, and what an outcome makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from muster_sdk import Accepted, Ambiguous, NotSent, Outcome, Rejected, TryAgain

MAX_ATTEMPTS = 5
BATCH = 500
# The states that a batch and a campaign are counted by.
COUNTS = ("pending", "sent", "failed", "unknown", "skipped")
# Recipients between two commits where the provider has no idempotency key: what a crash can leave unknown.
WINDOW = 100
_FIRST_RETRY = timedelta(seconds=30)
_LAST_RETRY = timedelta(hours=1)
_REASON_LENGTH = 500


class DeliveryStatus(StrEnum):
    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    SKIPPED = "SKIPPED"


class AcceptMarketing(StrEnum):
    ACCEPTED_ONLY = "ACCEPTED_ONLY"
    ALL_BUT_UNSUBSCRIBED = "ALL_BUT_UNSUBSCRIBED"


class ExclusionReason(StrEnum):
    """Why somebody on a list gets nothing; the first that applies is given."""

    DELETED = "DELETED"
    BLACKLISTED = "BLACKLISTED"
    EXCLUDED = "EXCLUDED"
    NO_ADDRESS = "NO_ADDRESS"
    INVALID_ADDRESS = "INVALID_ADDRESS"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    NOT_SUBSCRIBED = "NOT_SUBSCRIBED"
    FREQUENCY_CAP = "FREQUENCY_CAP"
    DUPLICATE_ADDRESS = "DUPLICATE_ADDRESS"


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a broadcast gets to. `audience` leaves out who was deleted; all others are recipients or excluded."""

    audience: int
    recipients: int
    excluded: Mapping[ExclusionReason, int]


NOBODY = Reach(0, 0, {})


@dataclass(frozen=True, slots=True)
class Delivery:
    campaign_id: UUID
    customer_id: int
    address: str
    status: DeliveryStatus
    attempts: int
    provider_message_id: str | None
    error: str | None
    sent_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """A range of a campaign's deliveries."""

    store_id: int
    campaign_id: UUID
    number: int
    first_customer_id: int
    last_customer_id: int


@dataclass(frozen=True, slots=True)
class Stats:
    """How many deliveries of a campaign are in which state."""

    recipients: int = 0
    pending: int = 0
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an outcome makes of a delivery; `retry` is how long to wait where it is tried again."""

    status: DeliveryStatus
    provider_message_id: str | None = None
    error: str | None = None
    retry: timedelta | None = None


def judge(outcome: Outcome, attempts: int, *, idempotent: bool) -> Verdict:
    """The state after the `attempts`-th attempt.

    What may have been sent is tried again only where the provider knows the message by its key.
    """
    match outcome:
        case Accepted(provider_id):
            return Verdict(DeliveryStatus.SENT, provider_message_id=provider_id and provider_id[:200])
        case Rejected(reason):
            return Verdict(DeliveryStatus.FAILED, error=reason[:_REASON_LENGTH])
        case TryAgain(reason, after):
            return _again(reason, attempts, after)
        case NotSent(reason):
            return _again(reason, attempts, None)
        case Ambiguous(reason):
            if idempotent and attempts < MAX_ATTEMPTS:
                return _again(reason, attempts, None)
            return Verdict(DeliveryStatus.UNKNOWN, error=reason[:_REASON_LENGTH])
        case _:
            assert_never(outcome)


def _again(reason: str, attempts: int, after: timedelta | None) -> Verdict:
    if attempts >= MAX_ATTEMPTS:
        return Verdict(DeliveryStatus.FAILED, error=f"{reason[:_REASON_LENGTH]} (gave up after {attempts} attempts)")
    backoff = min(_FIRST_RETRY * 4 ** (attempts - 1), _LAST_RETRY)
    return Verdict(DeliveryStatus.PENDING, error=reason[:_REASON_LENGTH], retry=max(after or backoff, timedelta()))
