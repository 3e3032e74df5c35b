"""A delivery's state after an attempt: whether it is tried again, and when."""

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from muster_sdk import Accepted, AccountRefused, Ambiguous, NotSent, Outcome, Rejected, TryAgain

from domain.deliveries.model import DeliveryResult, DeliveryStatus

MAX_ATTEMPTS = 5
FIRST_DELAY = timedelta(seconds=30)
LAST_DELAY = timedelta(hours=1)
_REASON_LENGTH = 500
_PROVIDER_ID_LENGTH = 200
NOT_BEGUN = DeliveryResult(DeliveryStatus.PENDING, retry_in=timedelta(), attempted=False)


def result_of(  # noqa: PLR0911 - a return an outcome
    outcome: Outcome, attempts: int, *, idempotent: bool
) -> DeliveryResult:
    """Return the state of a delivery whose `attempts`-th attempt had this outcome.

    A message that may have been sent is tried again only where the provider knows it by its key.
    """
    match outcome:
        case Accepted(provider_id):
            return DeliveryResult(
                DeliveryStatus.SENT, provider_message_id=provider_id and provider_id[:_PROVIDER_ID_LENGTH]
            )
        case Rejected(reason):
            return DeliveryResult(DeliveryStatus.FAILED, error=reason[:_REASON_LENGTH])
        case TryAgain(reason, after):
            return _retried(reason, attempts, after or retry_delay(attempts))
        case AccountRefused(reason):
            # Whatever the number of attempts: it says nothing of this message. It is the account that waits.
            return replace(NOT_BEGUN, error=reason[:_REASON_LENGTH])
        case NotSent(reason):
            return _retried(reason, attempts, retry_delay(attempts))
        case Ambiguous(reason):
            if idempotent and attempts < MAX_ATTEMPTS:
                return replace(_retried(reason, attempts, retry_delay(attempts)), in_doubt=True)
            return DeliveryResult(DeliveryStatus.UNKNOWN, error=reason[:_REASON_LENGTH])
        case _:
            assert_never(outcome)


def retry_delay(attempts: int) -> timedelta:
    """Return how long to wait after the `attempts`-th attempt: four times as long after each."""
    factor: int = 4 ** (attempts - 1)
    return min(FIRST_DELAY * factor, LAST_DELAY)


def _retried(reason: str, attempts: int, delay: timedelta) -> DeliveryResult:
    error = reason[:_REASON_LENGTH]
    if attempts >= MAX_ATTEMPTS:
        return DeliveryResult(DeliveryStatus.FAILED, error=f"{error} (gave up after {attempts} attempts)")
    return DeliveryResult(DeliveryStatus.PENDING, error=error, retry_in=max(delay, timedelta()))
