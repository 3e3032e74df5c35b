"""Failed sign-ins, counted by the client's address: one that fails too often is told to wait."""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import structlog

from api import metrics
from api.client_address import network_of

_FAILURES = 10
_SECONDS = 60.0
# Remembered at a time, the oldest forgotten first.
_MOST_ADDRESSES = 10_000

log = structlog.get_logger(__name__)


class TooManyFailures(Exception):
    """The client has failed to sign in too often, and may try again in so many seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many failed sign-ins: try again in {retry_after} seconds")
        self.retry_after = retry_after


@dataclass(slots=True)
class _Failures:
    """The failures of one address from the first one on."""

    ends_at: float
    failures: int = 0
    hashes: set[bytes] = field(default_factory=set[bytes])


class SignInThrottle:
    """Counts the failures of a minute. A valid token is never asked about: it signs in, whatever others have tried."""

    def __init__(self, timer: Callable[[], float] = monotonic) -> None:
        self._timer = timer
        self._windows: OrderedDict[str, _Failures] = OrderedDict()

    def check(self, address: str | None, hashed: bytes) -> None:
        """Raise TooManyFailures for a token of which it is known that it is not valid, once the address must wait."""
        window = self._windows.get(_key(address))
        if window is not None and window.failures >= _FAILURES and hashed in window.hashes:
            self._refuse(window)

    def fail(self, address: str | None, hashed: bytes | None = None) -> None:
        """Count a failed sign-in, with a token's hash or without any. Raise TooManyFailures from the eleventh on."""
        metrics.failed_sign_ins.inc()
        window = self._window(_key(address))
        if window.failures >= _FAILURES:
            self._refuse(window)
        window.failures += 1
        if hashed is not None:
            window.hashes.add(hashed)
        if window.failures == _FAILURES:
            log.warning("sign_ins_slowed", failures=_FAILURES, seconds=_SECONDS)

    def _window(self, key: str) -> _Failures:
        now = self._timer()
        window = self._windows.get(key)
        if window is None or window.ends_at <= now:
            window = self._windows[key] = _Failures(now + _SECONDS)
            self._windows.move_to_end(key)
            if len(self._windows) > _MOST_ADDRESSES:
                self._windows.popitem(last=False)
        return window

    def _refuse(self, window: _Failures) -> None:
        seconds = window.ends_at - self._timer()
        if seconds > 0:
            raise TooManyFailures(math.ceil(seconds))


def _key(address: str | None) -> str:
    return "" if address is None else network_of(address)
