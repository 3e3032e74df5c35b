"""Faults: which there are, and where the seed lets one happen."""

from collections import Counter
from enum import StrEnum
from random import Random


class Point(StrEnum):
    """A place in a process's life where something can go wrong."""

    READ = "before a read"
    BEGIN = "before a transaction"
    COMMIT = "at commit"
    COMMITTED = "after commit"
    NOTICE = "a notice"
    CONNECT = "connecting to the provider"
    TAKE = "between messages"
    SEND = "sending"


class Fault(StrEnum):
    CRASH = "crash"
    STOP = "stop"
    FREEZE = "freeze"
    CONNECTION_LOST = "connection lost"
    LOCKED = "database locked"
    AWAY = "database away"
    ANSWER_LOST = "answer of a commit lost"
    NOTICE_LOST = "notice lost"
    NOTICE_TWICE = "notice twice"
    NOTICE_LATE = "notice late"
    UNREACHABLE = "provider unreachable"
    REJECTED = "rejected"
    TRY_AGAIN = "try again"
    ACCOUNT_REFUSED = "account refused"
    NOT_SENT = "not sent"
    AMBIGUOUS_SENT = "answer lost, message sent"
    AMBIGUOUS_NOT_SENT = "answer lost, message not sent"
    RAISED = "channel raised"
    HUNG = "channel hung"
    SLOW = "provider slow"


FAULTS_AT: dict[Point, tuple[Fault, ...]] = {
    Point.READ: (Fault.CRASH, Fault.STOP, Fault.FREEZE, Fault.CONNECTION_LOST, Fault.AWAY),
    Point.BEGIN: (Fault.CRASH, Fault.STOP, Fault.FREEZE, Fault.LOCKED, Fault.AWAY),
    Point.COMMIT: (Fault.CRASH, Fault.CONNECTION_LOST),
    Point.COMMITTED: (Fault.CRASH, Fault.STOP, Fault.FREEZE, Fault.ANSWER_LOST),
    Point.NOTICE: (Fault.NOTICE_LOST, Fault.NOTICE_TWICE, Fault.NOTICE_LATE),
    Point.CONNECT: (Fault.UNREACHABLE, Fault.CRASH),
    Point.TAKE: (Fault.CRASH, Fault.FREEZE, Fault.STOP),
    Point.SEND: (
        Fault.CRASH,
        Fault.STOP,
        Fault.FREEZE,
        Fault.REJECTED,
        Fault.TRY_AGAIN,
        Fault.ACCOUNT_REFUSED,
        Fault.NOT_SENT,
        Fault.AMBIGUOUS_SENT,
        Fault.AMBIGUOUS_NOT_SENT,
        Fault.RAISED,
        Fault.HUNG,
        Fault.SLOW,
    ),
}
# Messages are few beside statements: what happens to them has a rate of its own.
OF_CHANNEL = frozenset({Point.CONNECT, Point.TAKE, Point.SEND})
OF_PROVIDER = frozenset({Point.CONNECT, Point.SEND})
# What a process that serves clients is spared: its clients notice no more of a crash than of a lost answer.
OF_WORKERS = frozenset({Fault.CRASH, Fault.STOP, Fault.FREEZE})


class Faults:
    """The faults of one history: some kinds only, at a rate of its own, and no more than its seed allows.

    Not all kinds in every history: crashes all the time would hide what needs a worker that lives long.
    """

    def __init__(self, chance: Random) -> None:
        self.happened: Counter[Fault] = Counter()
        self._chance = chance
        rate, rate_of_provider = chance.choice((0.0, 0.03, 0.08, 0.15, 0.25)), chance.choice((0.0, 0.1, 0.3, 0.6))
        self._rates = {point: rate_of_provider if point in OF_PROVIDER else rate for point in Point}
        self._left = {False: chance.randint(1, 25), True: chance.randint(1, 8)}
        enabled = {fault for fault in Fault if chance.random() < 0.6}
        self._at = {point: [fault for fault in faults if fault in enabled] for point, faults in FAULTS_AT.items()}

    def at(self, point: Point, *, spared: frozenset[Fault] = frozenset()) -> Fault | None:
        """Return the fault that happens now, if one does."""
        of_provider = point in OF_PROVIDER
        if not self._left[of_provider] or self._chance.random() >= self._rates[point]:
            return None
        faults = self._at[point]
        if not faults:
            return None
        fault = self._chance.choice(faults)
        if fault in spared:
            return None
        self._left[of_provider] -= 1
        self.happened[fault] += 1
        return fault
