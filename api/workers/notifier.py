"""Notifies workers of new jobs. It may fail: the scheduler finds what it could not notify of."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from queue import Empty, Full
from queue import Queue as BoundedQueue
from threading import Thread

import structlog
from dramatiq import Broker

from api.workers import broker
from domain.jobs import Queue
from domain.kit.db import JobNotice

log = structlog.get_logger(__name__)
_WAITING_AT_MOST = 10_000


class Notifier:
    """Notifies from a thread of its own, so that neither a request nor a job waits for a broker."""

    def __init__(self, brokers: Mapping[Queue, Broker]) -> None:
        self._brokers = brokers
        self._notices: BoundedQueue[JobNotice | None] = BoundedQueue(_WAITING_AT_MOST)
        self._failing = False
        self._thread = Thread(target=self._run, name="notifier", daemon=True)
        self._thread.start()

    def __call__(self, notices: Sequence[JobNotice]) -> None:
        try:
            for notice in notices:
                self._notices.put_nowait(notice)
        except Full:
            log.warning("notifier_full", waiting=_WAITING_AT_MOST)

    def close(self, timeout: float = 5) -> None:
        """Send the notices that wait, as far as that goes in `timeout` seconds."""
        try:
            self._notices.put(None, timeout=timeout)
        except Full:
            return
        self._thread.join(timeout)

    def _run(self) -> None:
        while (notice := self._notices.get()) is not None:
            try:
                broker.notify(self._brokers[Queue(notice.queue)], notice)
            except Exception as error:  # noqa: BLE001 - whatever ails a broker must not end the thread
                if not self._failing:
                    log.warning("notify_failed", queue=notice.queue, error=f"{type(error).__name__}: {error}")
                self._failing = True
                # The notices that wait would fail as well, each after its own time-out; the scheduler sends them later.
                with suppress(Empty):
                    while self._notices.get_nowait() is not None:
                        pass
                    self._notices.put(None)
            else:
                self._failing = False
