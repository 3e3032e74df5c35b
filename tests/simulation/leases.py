"""Leases of a simulated process."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

from api.workers.leases import Lease, LeaseKeeper
from domain.jobs import Job
from domain.kit.db import Database
from tests.simulation.world import Process, World


class SimulatedKeeper(LeaseKeeper):
    """Renews leases while there are any: an idle process has nothing to wake up for."""

    def __init__(self, world: World, process: Process, database: Database) -> None:
        super().__init__()
        self._world, self._process, self._database = world, process, database
        self._holding = 0
        self._keeping: asyncio.Task[None] | None = None

    @contextmanager
    def hold(self, job: Job, lose: Callable[[], object]) -> Generator[Lease]:
        with super().hold(job, lose) as lease:
            self._holding += 1
            self._stopped = False
            if self._keeping is None or self._keeping.done():
                self._keeping = self._world.spawn(self._process, self.keep(self._database))
            try:
                yield lease
            finally:
                self._holding -= 1
                self._stopped = not self._holding
