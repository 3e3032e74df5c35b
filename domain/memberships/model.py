"""When a segment is to be looked at again, and how many customers at a time."""

from datetime import datetime, timedelta
from hashlib import blake2b

from domain.kit.clock import day_of, midnight
from domain.segments.compiler.normal_form import Node

ENTERED, LEFT = "segment.entered", "segment.left"

# Changed customers looked at in one transaction, and how many are changed so that whole segments are compared instead.
AT_ONCE, TOO_MANY = 2_000, 20_000
# Rows of changes read at a time, and members that are taken in or out in one transaction.
MARKS, MOVED = 1_000, 5_000


def fingerprint(node: Node, timezone: str) -> str:
    """What the segment asks, other segments' conditions included: another one asks anew."""
    return blake2b(f"{timezone} {node!r}".encode(), digest_size=16).hexdigest()


def next_midnight(now: datetime, timezone: str) -> datetime:
    return midnight(day_of(now, timezone) + timedelta(days=1), timezone)
