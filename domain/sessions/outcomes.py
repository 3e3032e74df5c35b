"""Outcomes as JSON values, for journals and between processes."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import assert_never, cast

import orjson
from muster_sdk import Accepted, AccountRefused, Ambiguous, NotSent, Outcome, Rejected, TryAgain

Values = list[object]
_ADDRESS = "the address"
# Of a message whose channel reports something else.
NONE = Ambiguous("The channel reported an outcome that is none")


def as_values(outcome: Outcome) -> Values:
    match outcome:
        case Accepted(provider_id):
            return ["accepted", provider_id]
        case Rejected(reason):
            return ["rejected", reason]
        case TryAgain(reason, after):
            return ["try_again", reason, None if after is None else after.total_seconds()]
        case AccountRefused(reason, after):
            return ["account_refused", reason, None if after is None else after.total_seconds()]
        case NotSent(reason):
            return ["not_sent", reason]
        case Ambiguous(reason):
            return ["ambiguous", reason]
        case _:
            assert_never(outcome)


def checked(outcome: object) -> Outcome:
    """Return the outcome, or that nothing is known where a channel reports what is none, or what cannot be stored."""
    try:
        return of_values(orjson.loads(orjson.dumps(as_values(cast("Outcome", outcome)))))
    except (AttributeError, TypeError, ValueError, AssertionError):
        return NONE


def without(outcome: Outcome, address: str) -> Outcome:
    """Return the outcome without the recipient's address, which providers like to quote."""
    if isinstance(outcome, Accepted) or address.lower() not in outcome.reason.lower():
        return outcome
    return replace(outcome, reason=without_address(outcome.reason, address))


def without_address(reason: str, address: str) -> str:
    """Return a provider's reason without the recipient's address."""
    return re.sub(re.escape(address), _ADDRESS, reason, flags=re.IGNORECASE) if address else reason


def of_values(values: object) -> Outcome:  # noqa: PLR0911 - a return a kind
    """Return the outcome that `as_values` made these of. Raise ValueError for any others."""
    match values:
        case ["accepted", str() | None as provider_id]:
            return Accepted(provider_id)
        case ["rejected", str(reason)]:
            return Rejected(reason)
        case ["try_again", str(reason), int() | float() as seconds]:
            return TryAgain(reason, timedelta(seconds=seconds))
        case ["try_again", str(reason), None]:
            return TryAgain(reason)
        case ["account_refused", str(reason), int() | float() as seconds]:
            return AccountRefused(reason, timedelta(seconds=seconds))
        case ["account_refused", str(reason), None]:
            return AccountRefused(reason)
        case ["not_sent", str(reason)]:
            return NotSent(reason)
        case ["ambiguous", str(reason)]:
            return Ambiguous(reason)
        case _:
            raise ValueError("no outcome")
