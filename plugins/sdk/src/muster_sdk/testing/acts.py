"""Acts: what a provider's double does with a message, and what it remembers of it."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Act", "Attempt", "SentMessage"]


class Act(StrEnum):
    """A double's way to treat a message, or the request that it comes in.

    ACCEPT: takes it and says so. SLOW: the same, a fifth of a second later. REFUSE_RECIPIENT: refuses this message for
    good. DEFER_RECIPIENT: refuses this message for now. REFUSE_ACCOUNT: refuses all of the account for now, with the
    time to wait (`ProviderDouble.retry_after`). FAIL: takes it and answers that it failed, as HTTP's 500. RESET_BEFORE:
    closes the connection before it has read the message. RESET_AFTER: takes it and closes the connection without an
    answer. SILENCE: takes it and never answers. GARBAGE: takes it and answers what makes no sense. FLOOD: takes it and
    answers with more than anybody should read.

        double.always = Act.RESET_AFTER
    """

    ACCEPT = "ACCEPT"
    SLOW = "SLOW"
    REFUSE_RECIPIENT = "REFUSE_RECIPIENT"
    DEFER_RECIPIENT = "DEFER_RECIPIENT"
    REFUSE_ACCOUNT = "REFUSE_ACCOUNT"
    FAIL = "FAIL"
    RESET_BEFORE = "RESET_BEFORE"
    RESET_AFTER = "RESET_AFTER"
    SILENCE = "SILENCE"
    GARBAGE = "GARBAGE"
    FLOOD = "FLOOD"

    @property
    def takes(self) -> bool:
        """True if a message that is treated so has reached the provider, whatever it answers."""
        return self not in {
            Act.REFUSE_RECIPIENT,
            Act.DEFER_RECIPIENT,
            Act.REFUSE_ACCOUNT,
            Act.RESET_BEFORE,
        }


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message as it came to the double.

    - `address`: whom it is for, as `Message.address` has it.
    - `key`: what the request names it by, of which the provider knows a repeat or which receipts give back; None if the
      protocol has no such thing.

        SentMessage("81312345678", key="0b0e7d7e-…")
    """

    address: str
    key: str | None = None


@dataclass(slots=True)
class Attempt:
    """A message that came to the double, and what became of it.

    - `arrived`: when it was there as a whole; `answered`: when its answer began to leave, None if there was none. Both
      in seconds of `time.monotonic()`.
    - `act`: how it was treated; `delivered`: whether this attempt delivered it, which a known key's repeat does not.
    - `provider_id`: the ID that the double gave it.

        [attempt.message.address for attempt in double.attempts if attempt.delivered]
    """

    message: SentMessage
    act: Act
    arrived: float
    provider_id: str
    delivered: bool = False
    answered: float | None = None
