"""The pace of an account: how many messages may go out, and how long an account that was refused waits."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from muster_sdk import AccountLimits

# After the first refusal in a row; each further one doubles it.
FIRST_WAIT = timedelta(seconds=5)
LAST_WAIT = timedelta(minutes=5)
# A provider may ask for a wait of these bounds.
SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(days=1)
# After a refusal one worker tries one message; if nothing is heard of it for so long, another one does.
PROBE = timedelta(seconds=10)
# The jobs that wait for an account look again one after the other, each within a minute of when they could go on, and
# within six minutes in any case: a store may have connected another account meanwhile.
TURN = timedelta(seconds=0.2)
_LONGEST_QUEUE = timedelta(minutes=1)
_LOOK_AGAIN = timedelta(minutes=5)
# The messages of a window begin within this time: what counts is when they arrive, not when they were permitted.
_SPREAD_SECONDS = 0.5
# Permits are taken for this part of a second at a time, at least: each time is a transaction.
_LEAST_SECONDS = 0.2
_ROUNDING = 1e-6
_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class AccountKey:
    """An account of a store's channel; the name is empty where the channel names none."""

    store_id: int
    channel: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it was at a moment of the database's clock."""

    now: datetime
    arrival_at: datetime | None = None
    turn_at: datetime | None = None
    refused_until: datetime | None = None
    reason: str | None = None
    refusals: int = 0

    @property
    def wait(self) -> "AccountWait | None":
        """Return how long nothing may go out, and why; None if it may."""
        if self.refused_until is None or self.refused_until <= self.now:
            return None
        return AccountWait((self.refused_until - self.now).total_seconds(), self.reason)


@dataclass(frozen=True, slots=True)
class AccountWait:
    """A wait for the account, in seconds; `reason` where its provider refused it."""

    seconds: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate as permits are taken by it; in seconds, and in messages.

    `spread` is the time in which what was permitted begins. The capacity makes up for it: what was permitted within a
    second and the spread may arrive within a second.
    """

    interval: float
    capacity: float
    spread: float
    least: float

    @classmethod
    def of(cls, limits: AccountLimits | None) -> "Rate | None":
        if limits is None or limits.per_second is None:
            return None
        burst = limits.burst or max(limits.per_second, 1)
        spread = min(_SPREAD_SECONDS, burst / limits.per_second / 2)
        capacity = max(burst - limits.per_second * spread, 1)
        least = max(min(limits.per_second * _LEAST_SECONDS, capacity), 1)
        return cls(1 / limits.per_second, capacity, spread, least)


@dataclass(frozen=True, slots=True)
class Permits:
    """The messages that may go out now, and the account when they are taken; or, with none, how long to wait."""

    count: int
    account: Account
    wait: AccountWait | None = None
    # The one message that shows whether the account works again.
    probe: bool = False


def permit(account: Account, rate: Rate | None, wanted: int) -> Permits:
    """Return the permits for as many of the wanted messages as may go out."""
    if account.wait is not None:
        return Permits(0, account, account.wait)
    probe = account.refusals > 0
    if probe:
        wanted, account = 1, replace(account, refused_until=account.now + PROBE)
    if rate is None:
        return Permits(wanted, account, probe=probe)
    arrival_at = max(account.arrival_at or account.now, account.now)
    room = rate.capacity - (arrival_at - account.now).total_seconds() / rate.interval
    missing = min(rate.least, wanted) - room
    if missing > _ROUNDING:
        return Permits(0, account, AccountWait(missing * rate.interval))
    count = min(wanted, int(room + _ROUNDING))
    account = replace(account, arrival_at=arrival_at + timedelta(seconds=count * rate.interval))
    return Permits(count, account, probe=probe)


def refused(account: Account, reason: str, after: timedelta | None, *, probe: bool) -> Account:
    """Return the account after a refusal.

    Those of windows that were under way when it was refused already are no further ones in a row.
    """
    further = probe or account.wait is None
    refusals = account.refusals + 1 if further else max(account.refusals, 1)
    wait = min(FIRST_WAIT * 2 ** min(refusals - 1, 10), LAST_WAIT)
    if after is not None:
        wait = min(max(after, SHORTEST_WAIT), LONGEST_WAIT)
    until = account.now + wait
    if not further and account.refused_until is not None:
        until = max(until, account.refused_until)
    return replace(account, refusals=refusals, refused_until=until, reason=reason[:_REASON_LENGTH])


def recovered(account: Account) -> Account:
    """Return the account once its provider takes messages again."""
    return replace(account, refusals=0, refused_until=None, reason=None)


def queued(account: Account, seconds: float) -> tuple[float, Account]:
    """Return the seconds after which a job looks again that cannot go on before so many, and the account behind it."""
    wait = timedelta(seconds=seconds)
    turn_at = max(account.turn_at or account.now, account.now + wait)
    latest = account.now + min(wait, _LOOK_AGAIN) + _LONGEST_QUEUE
    delay = min(turn_at, latest) - account.now
    return delay.total_seconds(), replace(account, turn_at=min(turn_at + TURN, latest))
