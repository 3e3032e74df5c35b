"""Deliveries, their states, and the batches in which they are sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.accounts.model import AccountKey

# Deliveries in a batch, which one worker holds at a time.
BATCH_SIZE = 500
# The states that a batch and a campaign are counted by.
COUNTS = ("pending", "sent", "failed", "unknown", "skipped")
# What receipts have told of deliveries, beside their states: one that was clicked is counted as opened and delivered.
EVIDENCE_COUNTS = ("delivered", "opened", "clicked", "bounced", "complained", "unsubscribed")


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
    COMPLAINED = "COMPLAINED"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    NOT_SUBSCRIBED = "NOT_SUBSCRIBED"
    FREQUENCY_CAP = "FREQUENCY_CAP"
    DUPLICATE_ADDRESS = "DUPLICATE_ADDRESS"


@dataclass(frozen=True, slots=True)
class Reach:
    """The size of an audience, each of whom is a recipient or excluded, and the deleted customers beside it."""

    audience: int
    recipients: int
    excluded: Mapping[ExclusionReason, int]
    deleted: int


NOBODY = Reach(0, 0, {}, 0)


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
class DeliveryResult:
    """A delivery's state after an attempt; `retry_in` is how long to wait where it is tried again.

    One that is tried again though this attempt may have reached the recipient stays `in_doubt`, whatever becomes of the
    next; an attempt that did not begin is not `attempted`.
    """

    status: DeliveryStatus
    provider_message_id: str | None = None
    error: str | None = None
    retry_in: timedelta | None = None
    in_doubt: bool = False
    attempted: bool = True


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery, and the claim under which it was handed over: its outcome counts for that one alone."""

    customer_id: int
    fence: int


@dataclass(frozen=True, slots=True)
class BatchKey:
    """A batch, as a job names it."""

    mailing_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A range of a mailing's deliveries."""

    store_id: int
    mailing_id: UUID
    number: int
    first_customer_id: int
    last_customer_id: int


@dataclass(frozen=True, slots=True)
class Hold:
    """A reason why the rest of a batch goes out in so many seconds, not before; `problem` where staff are told of it.

    All that wait for one `account` go on one after the other.
    """

    seconds: float
    problem: str | None = None
    account: AccountKey | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """The number of deliveries, of those in each state, and of those of which receipts have told something.

    Those that were delivered are among those that were sent.
    """

    recipients: int = 0
    pending: int = 0
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    bounced: int = 0
    complained: int = 0
    unsubscribed: int = 0
