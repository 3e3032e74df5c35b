"""States after an attempt, and the delays between attempts."""

from datetime import timedelta

import pytest
from muster_sdk import Accepted, Ambiguous, NotSent, Outcome, Rejected, TryAgain

from domain.deliveries.model import DeliveryResult, DeliveryStatus
from domain.deliveries.retry import LAST_DELAY, MAX_ATTEMPTS, result_of, retry_delay


def test_each_delay_is_four_times_the_one_before_up_to_an_hour() -> None:
    assert [retry_delay(attempts).total_seconds() for attempts in range(1, 6)] == [30, 120, 480, 1920, 3600]
    assert retry_delay(9) == LAST_DELAY


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (Accepted("x"), DeliveryResult(DeliveryStatus.SENT, provider_message_id="x")),
        (Accepted(None), DeliveryResult(DeliveryStatus.SENT)),
        (Rejected("no mailbox"), DeliveryResult(DeliveryStatus.FAILED, error="no mailbox")),
        (Ambiguous("cut off"), DeliveryResult(DeliveryStatus.UNKNOWN, error="cut off")),
        (NotSent("refused"), DeliveryResult(DeliveryStatus.PENDING, error="refused", retry_in=timedelta(minutes=2))),
        (TryAgain("busy"), DeliveryResult(DeliveryStatus.PENDING, error="busy", retry_in=timedelta(minutes=2))),
        (
            TryAgain("busy", timedelta(minutes=7)),
            DeliveryResult(DeliveryStatus.PENDING, error="busy", retry_in=timedelta(minutes=7)),
        ),
        (
            TryAgain("busy", timedelta(seconds=-1)),
            DeliveryResult(DeliveryStatus.PENDING, error="busy", retry_in=timedelta()),
        ),
    ],
)
def test_the_result_of_a_second_attempt(outcome: Outcome, result: DeliveryResult) -> None:
    assert result_of(outcome, 2, idempotent=False) == result


def test_a_message_that_may_be_out_is_tried_again_only_with_a_key() -> None:
    assert result_of(Ambiguous("cut off"), 1, idempotent=True).status is DeliveryStatus.PENDING
    assert result_of(Ambiguous("cut off"), MAX_ATTEMPTS, idempotent=True).status is DeliveryStatus.UNKNOWN


@pytest.mark.parametrize("outcome", [TryAgain("busy"), NotSent("busy")])
def test_the_last_attempt_fails(outcome: Outcome) -> None:
    result = result_of(outcome, MAX_ATTEMPTS, idempotent=True)
    assert result == DeliveryResult(DeliveryStatus.FAILED, error="busy (gave up after 5 attempts)")


def test_what_a_provider_says_is_cut_to_what_a_row_holds() -> None:
    assert len(result_of(Rejected("x" * 9_000), 1, idempotent=False).error or "") == 500
    assert len(result_of(Accepted("x" * 9_000), 1, idempotent=False).provider_message_id or "") == 200
