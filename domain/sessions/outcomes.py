"""Outcomes as JSON, for journals and between processes."""

from datetime import timedelta
from typing import assert_never

import orjson
from muster_sdk import Accepted, Ambiguous, NotSent, Outcome, Rejected, TryAgain


def encode(outcome: Outcome) -> bytes:
    """Return the outcome as JSON in one line."""
    match outcome:
        case Accepted(provider_id):
            values: list[object] = ["accepted", provider_id]
        case Rejected(reason):
            values = ["rejected", reason]
        case TryAgain(reason, after):
            values = ["try_again", reason, None if after is None else after.total_seconds()]
        case NotSent(reason):
            values = ["not_sent", reason]
        case Ambiguous(reason):
            values = ["ambiguous", reason]
        case _:
            assert_never(outcome)
    return orjson.dumps(values)


def decode(line: bytes) -> Outcome:
    """Return the outcome of a line that `encode` made. Raise ValueError for any other."""
    match orjson.loads(line):
        case ["accepted", str() | None as provider_id]:
            return Accepted(provider_id)
        case ["rejected", str(reason)]:
            return Rejected(reason)
        case ["try_again", str(reason), after]:
            return TryAgain(reason, None if after is None else timedelta(seconds=after))
        case ["not_sent", str(reason)]:
            return NotSent(reason)
        case ["ambiguous", str(reason)]:
            return Ambiguous(reason)
        case _:
            raise ValueError("no outcome")
