"""Doubles of providers: local servers that do as they are told, and remember what came."""

import threading
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Collection, Mapping
from datetime import timedelta
from time import monotonic
from typing import ClassVar, Self

from muster_sdk.testing.acts import Act, Attempt, SentMessage

__all__ = ["ProviderDouble"]


class ProviderDouble(ABC):
    """A local provider. A subclass speaks its protocol: `HttpDouble` for HTTP; yours for anything else.

    A subclass asks `decide` how to treat a message, notes it by `note`, and does as the act says.

    - `acts`: those that the protocol has. Tests of others are skipped.
    - `idempotent`: whether it delivers a key once, however often it comes.
    - `retry_after`: the time that a refused account is told to wait; None if the protocol has no way to say it.
    - `failure_takes`: whether a message that is answered with a failure (`Act.FAIL`) is sent all the same, as it may be
      with most providers. False if the provider documents that it is not.
    - `port`: the port on 127.0.0.1 where it is, from `start` on.
    - `always`: the act of each message that nothing else was planned for.
    - `attempts`: the messages that came, in order; `faults`: what came and could not be read, a sentence each.

        with LoftDouble() as double:
            double.always = Act.FAIL
    """

    acts: ClassVar[Collection[Act]] = frozenset(Act)
    idempotent: ClassVar[bool] = False
    retry_after: ClassVar[timedelta | None] = timedelta(seconds=7)
    failure_takes: ClassVar[bool] = True

    def __init__(self) -> None:
        self.port = 0
        self.always = Act.ACCEPT
        self.attempts: list[Attempt] = []
        self.faults: list[str] = []
        self._planned: dict[str, Act] = {}
        self._script: deque[Act] = deque()
        self._known: dict[str, str] = {}
        self._lock = threading.RLock()

    @abstractmethod
    def start(self) -> None:
        """Listen on a free port of 127.0.0.1, on a thread of its own, and set `port`. Raise OSError."""

    @abstractmethod
    def stop(self) -> None:
        """Close all connections and end the thread: nothing is left open. Called again, it does nothing."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def plan(self, acts: Mapping[str, Act]) -> None:
        """Treat the messages to these addresses so, each time.

        double.plan({"81312345678": Act.REFUSE_RECIPIENT})
        """
        with self._lock:
            self._planned.update(acts)

    def script(self, *acts: Act) -> None:
        """Treat the next requests so, one after another; those behind them as `always` says.

        double.script(Act.FAIL, Act.ACCEPT)
        """
        with self._lock:
            self._script.extend(acts)

    def decide(self, address: str | None) -> Act:
        """Return how to treat a message to this address; None is a request whose messages are not known yet.

        Of the script, it takes an act out: ask once a request, or once a message where the protocol has no requests.
        """
        with self._lock:
            if address in self._planned:
                return self._planned[address]
            return self._script.popleft() if self._script else self.always

    def note(self, message: SentMessage, act: Act) -> Attempt:
        """Remember a message that has come as a whole, and deliver it if the act says so. Return what is remembered.

        attempt = self.note(SentMessage(address, key), self.decide(address))
        """
        with self._lock:
            identity = message.key or message.address
            is_repeat = self.idempotent and identity in self._known
            provider_id = self._known.get(identity, f"id-{len(self.attempts) + 1}")
            takes = act.takes and (self.failure_takes or act is not Act.FAIL)
            attempt = Attempt(message, act, monotonic(), provider_id, delivered=takes and not is_repeat)
            if takes:
                self._known[identity] = provider_id
            self.attempts.append(attempt)
            return attempt

    def deliveries(self) -> Counter[str]:
        """Return how often each message was delivered, by its key, or its address where the protocol has no keys.

        double.deliveries()[str(message.key)] == 1
        """
        with self._lock:
            delivered = [attempt.message for attempt in self.attempts if attempt.delivered]
        return Counter(message.key or message.address for message in delivered)

    def attempts_to(self, address: str) -> list[Attempt]:
        """Return what came for an address, in order."""
        with self._lock:
            return [attempt for attempt in self.attempts if attempt.message.address == address]
