"""A story: what is in a history's database, what clients do to it, and what must be true of it at the end."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from domain.jobs import JobKind
from domain.kit.db import Transaction
from domain.services import Services
from tests.fakes import LocalChannel
from tests.simulation.database import SimulatedDatabase
from tests.simulation.world import Process, World

Chore = Callable[[], Awaitable[object]]


class Story:
    """One topic's part of a history. `wrong` takes what must not be, whenever it is seen."""

    name: str

    def __init__(self, world: World, store_id: int) -> None:
        self.world, self.store_id = world, store_id

    @property
    def channel(self) -> LocalChannel | None:
        return None

    @property
    def kinds(self) -> Mapping[str, JobKind[Services]]:
        """Return the kinds of job that are done otherwise than in production."""
        return {}

    async def prepare(self, tx: Transaction) -> None:
        """Write what is there at the start."""
        raise NotImplementedError

    def clients(self, database: SimulatedDatabase) -> Sequence[Coroutine[Any, Any, None]]:
        """Return what clients do while workers work."""
        raise NotImplementedError

    def chores(self, services: Services) -> Sequence[Chore]:
        """Return what a scheduler does for the topic in each of its rounds."""
        return ()

    def committed(self, process: Process) -> None:
        """Look at the database after a commit."""

    def state(self) -> dict[str, str]:
        """Return what a trace shows whenever it changes."""
        return {}

    def crashed(self, process: Process) -> None:
        """Look at the database when a process has crashed."""

    def ended(self) -> bool:
        """Return whether nothing is to come of itself any more, once no job is left."""
        return True

    async def judge(self, tx: Transaction) -> None:
        """Look at the database at the end."""
        raise NotImplementedError

    def wrong(self, what: str) -> None:
        self.world.wrong.append(f"{self.name}: {what}")
