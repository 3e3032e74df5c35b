"""A watchdog: event loops of this process that do not answer any more are told of, and end it in the end."""

import asyncio
import faulthandler
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import structlog

from api import metrics

log = structlog.get_logger(__name__)

# Seconds of silence after which a loop is told of, and after which the process ends.
WARN_AFTER = 15.0
END_AFTER = 60.0
EXIT_STATUS = 70
_LOOK = 1.0


def end_process(part: str) -> None:
    """End this process at once: a part of it that hangs cannot be ended by itself."""
    log.critical("process_stuck", part=part, status=EXIT_STATUS)
    faulthandler.dump_traceback(sys.stderr)
    os._exit(EXIT_STATUS)


@dataclass(slots=True)
class _Watched:
    name: str
    loop: asyncio.AbstractEventLoop
    # Seconds; counted, not timed: a process that stood still as a whole, as its machine did, is not stuck.
    silence: float = 0
    asked: bool = False
    asked_at: float = 0
    warned: bool = False

    def answer(self) -> None:
        metrics.loop_lag_seconds.labels(self.name).observe(monotonic() - self.asked_at)
        self.silence = 0
        self.asked = False
        self.warned = False


class Watchdog:
    """Asks each loop once a second, from a thread of its own, whether it still turns."""

    def __init__(self, end: Callable[[str], None] = end_process, *, end_after: float = END_AFTER) -> None:
        self._end, self._end_after = end, end_after
        self._watched: dict[str, _Watched] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._watched[name] = _Watched(name, loop)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                self._thread.start()

    def forget(self, name: str) -> None:
        with self._lock:
            self._watched.pop(name, None)
        metrics.stuck_seconds.labels(name).set(0)

    def stuck(self) -> dict[str, float]:
        """Return the parts of the process that do not answer, and for how many seconds."""
        with self._lock:
            silences = {watched.name: watched.silence for watched in self._watched.values()}
        return {name: silence for name, silence in silences.items() if silence >= WARN_AFTER}

    def close(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK):
            with self._lock:
                watched = list(self._watched.values())
            for one in watched:
                self._look(one)

    def _look(self, watched: _Watched) -> None:
        watched.silence += _LOOK
        silence = watched.silence
        metrics.stuck_seconds.labels(watched.name).set(round(silence) if silence >= WARN_AFTER else 0)
        if silence >= self._end_after:
            self._end(watched.name)
        elif silence >= WARN_AFTER and not watched.warned:
            watched.warned = True
            log.error("part_stuck", part=watched.name, seconds=round(silence))
        if not watched.asked:
            watched.asked, watched.asked_at = True, monotonic()
            try:
                watched.loop.call_soon_threadsafe(watched.answer)
            except RuntimeError:  # closed
                self.forget(watched.name)
