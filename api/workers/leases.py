"""Leases of this process's jobs, renewed from a thread with connections of its own: no job can block that."""

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic

import structlog

from domain import jobs
from domain.jobs import LEASE_SECONDS, Job
from domain.kit.db import Database

log = structlog.get_logger(__name__)

HEARTBEAT = 10.0
# Seconds that one renewal may take, whatever the database or its connection does.
_PATIENCE = 5.0
# A lease is given up so long before the database lets others have it.
_MARGIN = 5.0
_LOOK = 0.5


@dataclass(slots=True)
class Lease:
    """A job's lease, and what is called when it is lost."""

    job: Job
    lose: Callable[[], object]
    held_until: float
    lost: bool = False


class LeaseKeeper:
    """Renews the leases that are held, all by one statement. A lease that cannot be renewed in time is lost."""

    def __init__(self) -> None:
        self._leases: dict[int, Lease] = {}
        self._lock = threading.Lock()
        self._stopped = False

    @contextmanager
    def hold(self, job: Job, lose: Callable[[], object]) -> Generator[Lease]:
        """Hold the job's lease within the block. `lose` is called, on any thread, when another may have the job."""
        lease = Lease(job, lose, monotonic() + LEASE_SECONDS - _MARGIN)
        with self._lock:
            self._leases[id(lease)] = lease
        try:
            yield lease
        finally:
            with self._lock:
                self._leases.pop(id(lease), None)

    async def keep(self, database: Database) -> None:
        """Renew the leases until `stop` is called."""
        renewals: set[asyncio.Task[None]] = set()
        renew_at = monotonic()
        while not self._stopped:
            if monotonic() >= renew_at and (leases := self._held()):
                renewal = asyncio.create_task(self._renew(database, leases, monotonic()))
                renewals.add(renewal)
                renewal.add_done_callback(renewals.discard)
                # One that hangs is left to itself: neither it nor its connection is waited for.
                if not (await asyncio.wait({renewal}, timeout=_PATIENCE))[0]:
                    log.warning("heartbeat_hangs", leases=len(leases))
                    renewal.cancel()
                renew_at = monotonic() + HEARTBEAT
            for lease in self._held():
                if monotonic() >= lease.held_until:
                    self._lose(lease)
            await asyncio.sleep(_LOOK)

    def stop(self) -> None:
        self._stopped = True

    def _held(self) -> list[Lease]:
        with self._lock:
            return [lease for lease in self._leases.values() if not lease.lost]

    async def _renew(self, database: Database, leases: list[Lease], began: float) -> None:
        try:
            async with database.write() as tx:
                extended = await jobs.extend(tx, [lease.job for lease in leases])
        except Exception as error:  # noqa: BLE001 - whatever ails the database, the next heartbeat may find it well
            log.warning("heartbeat_failed", leases=len(leases), error=type(error).__name__)
            return
        for lease in leases:
            if lease.job in extended:
                lease.held_until = began + LEASE_SECONDS - _MARGIN
            else:
                self._lose(lease)

    def _lose(self, lease: Lease) -> None:
        with self._lock:
            # Its job may have ended while it was renewed.
            lost = id(lease) in self._leases and not lease.lost
        if lost:
            lease.lost = True
            log.warning("lease_lost", kind=lease.job.kind, job=str(lease.job.id))
            # Its loop may be closed by now.
            with suppress(RuntimeError):
                lease.lose()
