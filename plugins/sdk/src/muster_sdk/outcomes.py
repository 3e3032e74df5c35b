"""Outcomes: what a transport reports of each message that it has sent, or could not send."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

__all__ = ["Accepted", "AccountRefused", "Ambiguous", "NotSent", "Outcome", "Rejected", "TryAgain"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider accepted the message. Final.

    `provider_id` is the provider's ID of the message, if it gave one: receipts are matched by it.

        Accepted("SM123")
    """

    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The provider refused the message permanently. Final.

    Example:

        Rejected("550 No such user")
    """

    reason: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The provider refused this message for now, and has certainly not sent it. The host retries it later.

    A refusal of the account, such as a rate that was exceeded, is `AccountRefused`. `after` is the time that the
    provider asked to wait; None leaves that to the host.

        TryAgain("451 The mailbox is being moved", after=timedelta(minutes=10))
    """

    reason: str
    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class AccountRefused:
    """The provider takes nothing from this account for now, and has certainly not sent the message.

    It says nothing of the recipient: no delivery fails by it, and none counts it as an attempt, however often it comes.
    Behind it no further message of the window may begin (`Report.begin` is false); those that have begun end as they
    end. The host lets the whole account wait, on all workers: for `after`, the time that the provider asked to wait, a
    second at least and a day at most, or for 5 seconds that double to 5 minutes. Then it tries one message, and goes on
    by itself when that is answered. The campaign shows the reason meanwhile.

        AccountRefused("429 Too many requests", after=timedelta(seconds=30))
    """

    reason: str
    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """The connection failed before any of the message reached the provider. The host retries it.

    Example:

        NotSent("The connection was closed before the message was complete")
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The message may have been sent or not: the answer was lost. In doubt, choose this outcome.

    The host retries it only where `Capabilities.idempotency` makes that harmless, and otherwise records it as unknown.

        Ambiguous("No answer within 30 seconds")
    """

    reason: str


Outcome: TypeAlias = Accepted | Rejected | TryAgain | AccountRefused | NotSent | Ambiguous
"""The outcome of sending one message.

    match outcome:
        case Accepted(provider_id): ...
"""
