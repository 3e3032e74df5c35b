"""Seconds that a use of the database waits for what does not answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds until a statement is cut short (0: never), no connection is free, and a silent host is given up."""

    statement: float
    pool: float
    silence: float


REQUESTS = TimeLimits(statement=10, pool=5, silence=6)
JOBS = TimeLimits(statement=300, pool=30, silence=15)
# An operator looks on: a migration may build an index for hours.
COMMANDS = TimeLimits(statement=0, pool=30, silence=15)
