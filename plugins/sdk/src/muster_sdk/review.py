"""Remarks on a message before it goes out: warnings, parts and costs."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from muster_sdk.channel import Message

__all__ = ["ContentWarning", "CostEstimator", "Estimate", "MessageReviewer"]


@dataclass(frozen=True, slots=True)
class ContentWarning:
    """A remark about a message, which is sent all the same.

    - `code`: stable, in capitals: "SIZE"; `message`: a sentence without a full stop, for the store's staff.
    - `path`: leads from the content's root to what it is about, in the names of its JSON; empty for all of it.

        ContentWarning("SIZE", "The message has 104 kB: Gmail cuts it off behind 102 kB", ("html",))
    """

    code: str
    message: str
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """The size and price of a message: `parts` are what the provider counts, such as segments of an SMS.

    `cost` is all parts' price in `currency` (ISO 4217); None where it is not known.

        Estimate(parts=2, cost=Decimal("0.0158"), currency="USD")
    """

    parts: int = 1
    cost: Decimal | None = None
    currency: str | None = None


class MessageReviewer(Protocol):
    """A `Composer` of a channel with `Capabilities.content_review`.

    Example:

        def review(self, message):
            return [ContentWarning("SIZE", "…", ("html",))] if message.size > 102_400 else []
    """

    def review(self, message: Message) -> list[ContentWarning]:
        """Return what staff should know of this message. No network."""
        ...


class CostEstimator(Protocol):
    """A `Composer` of a channel with `Capabilities.estimates`.

    Example:

        def estimate(self, message):
            return Estimate(parts=segments(message.body))
    """

    def estimate(self, message: Message) -> Estimate:
        """Return what sending this message takes. No network."""
        ...
