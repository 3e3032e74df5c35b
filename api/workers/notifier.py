"""Tells workers of new jobs. It may fail: the schedule finds what it could not ring for."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from queue import Empty, Full
from queue import Queue as BoundedQueue
from threading import Thread

import structlog
from dramatiq import Broker

from api.workers import broker
from domain.jobs import Queue
from domain.kit.db import Ring

log = structlog.get_logger(__name__)
_WAITING_AT_MOST = 10_000


class Doorbell:
    """Rings from a thread of its own, so that neither a request nor a job waits for a broker."""

    def __init__(self, brokers: Mapping[Queue, Broker]) -> None:
        self._brokers = brokers
        self._rings: BoundedQueue[Ring | None] = BoundedQueue(_WAITING_AT_MOST)
        self._failing = False
        self._thread = Thread(target=self._run, name="doorbell", daemon=True)
        self._thread.start()

    def __call__(self, rings: Sequence[Ring]) -> None:
        try:
            for ring in rings:
                self._rings.put_nowait(ring)
        except Full:
            log.warning("doorbell_full", waiting=_WAITING_AT_MOST)

    def close(self, timeout: float = 5) -> None:
        """Ring for what is waiting, as far as that goes in `timeout` seconds."""
        try:
            self._rings.put(None, timeout=timeout)
        except Full:
            return
        self._thread.join(timeout)

    def _run(self) -> None:
        while (ring := self._rings.get()) is not None:
            self._ring(ring)

    def _ring(self, ring: Ring) -> None:
        try:
            broker.ring(self._brokers[Queue(ring.queue)], ring)
        except Exception as error:  # noqa: BLE001 - whatever ails a broker must not end the thread
            if not self._failing:
                log.warning("doorbell_failed", queue=ring.queue, error=f"{type(error).__name__}: {error}")
            self._failing = True
            self._forget()
        else:
            self._failing = False

    def _forget(self) -> None:
        """What waits would fail as well, each after its own time-out; the schedule rings for it later."""
        with suppress(Empty):
            while self._rings.get_nowait() is not None:
                pass
            self._rings.put(None)
