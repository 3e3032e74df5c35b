"""The world of one history: its dice, its clock, its database, its broker and the processes that live in it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from domain.jobs import Queue
from domain.kit.db import JobNotice
from tests.simulation.faults import OF_CHANNEL, OF_WORKERS, Fault, Faults, Point
from tests.simulation.files import Files
from tests.simulation.loop import OWNER, VirtualLoop
from tests.simulation.storage import Storage, instant


class Over(BaseException):
    """The history is over: what still runs writes nothing more."""


@dataclass(eq=False)
class Process:
    """A process of a machine. A worker may crash, freeze and be stopped; what serves clients only loses connections."""

    name: str
    host: str
    worker: bool = True
    alive: bool = True
    # Seconds that its own clock has missed, while its machine was suspended.
    behind: float = 0.0
    jobs: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    @property
    def spared(self) -> frozenset[Fault]:
        return frozenset() if self.worker else OF_WORKERS


class World:
    """Everything that the processes of a history share. Whatever is decided by chance is decided by the seed."""

    def __init__(self, seed: int, storage: Storage, files: Files, *, traced: bool = False) -> None:
        self.chance = Random(seed)
        self.loop = VirtualLoop()
        self.storage, self.files = storage, files
        self.faults = Faults(self.chance)
        self.broker = Broker(self)
        self.wrong: list[str] = []
        self.trace: list[str] | None = [] if traced else None
        self.over = False
        self.away_until = 0.0
        self.writing: Process | None = None
        self.processes: list[Process] = []
        self.restart: Callable[[Process], None] = lambda _process: None
        self.on_crash: list[Callable[[Process], None]] = []
        self.on_commit: list[Callable[[Process], None]] = []
        # In some histories jobs last so long that the next worker meets one that was only frozen.
        self._slow = self.chance.random() < 0.25
        self._outside = copy_context()

    def now(self) -> datetime:
        return instant(self.loop.now)

    def note(self, process: Process | None, event: str) -> None:
        """Write an event into the trace of a history that is replayed."""
        if self.trace is not None:
            self.trace.append(f"{self.loop.now:12.4f} {process.name if process else '-':10} {event}")

    def spawn(self, process: Process, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Return a task that lives and dies with the process."""
        context = copy_context()
        context.run(OWNER.set, process)
        return self.loop.create_task(coroutine, context=context)

    def later(self, delay: float, callback: Callable[[], object]) -> None:
        """Call back after a while, whoever has died by then."""
        self.loop.call_later(delay, callback, context=self._outside)

    async def pause(self, longest: float) -> None:
        """Let a client wait for a while."""
        await asyncio.sleep(self.chance.random() * longest)
        if self.over:
            raise Over

    async def pass_time(self, seconds: float) -> None:
        """Let time pass in a process."""
        await asyncio.sleep(seconds)
        if self.over:
            raise Over

    async def gate(self, process: Process, point: Point) -> Fault | None:
        """Let a moment pass, and a fault happen; return it where it is another's to bring about."""
        if self.over:
            raise Over
        fault = self.faults.at(point, spared=process.spared)
        if fault is not None:
            self.note(process, f"{fault} {point}")
        delay = self.chance.random() * 0.02
        # How long a provider takes to answer is its channel's to say.
        if self._slow and point not in OF_CHANNEL and self.chance.random() < 0.3:
            delay *= 1_000
        match fault:
            case Fault.CRASH:
                await self.crash(process)
            case Fault.FREEZE:
                self.freeze(process)
            case Fault.STOP:
                self.stop(process)
                await asyncio.sleep(0)
            case Fault.AWAY:
                self.away_until = self.loop.now + self.chance.choice((1, 10, 40, 90))
            case _:
                pass
        await self.pass_time(delay)
        return fault

    def freeze(self, process: Process) -> None:
        """Let the process stand still for a while, which its own clock may not notice."""
        seconds = self.chance.choice((5, 20, 50, 55, 60, 65, 70, 75, 80, 130, 400))
        self.loop.freeze(process, seconds)
        if self.chance.random() < 0.5:
            process.behind += seconds

    async def crash(self, process: Process) -> None:
        """End the process here and now; a new one takes its place after a while."""
        self.end(process)
        await self.loop.create_future()

    def end(self, process: Process) -> None:
        """End a process, whose tasks do no other step; a new one takes its place after a while."""
        for look in self.on_crash:
            look(process)
        process.alive = False
        self.files.crash(process)
        self.later(self.chance.choice((0.1, 3, 40)), lambda: self.restart(process))
        self.loop.halt(process)
        if self.writing is process:
            self.storage.undo()
            self.writing = None

    def stop(self, process: Process) -> None:
        """Have the process give back its jobs, as it does when it is told to end."""
        for job in process.jobs:
            job.cancel()

    def dead(self, owners: Sequence[str]) -> list[str]:
        """Return the owners that were processes of the schedulers' own host and are no more."""
        living = {process.name for process in self.processes if process.alive}
        return [owner for owner in owners if owner.startswith("a.") and owner.partition(":")[0] not in living]

    def close(self) -> None:
        self.over = True
        self.storage.roll_back()
        self.loop.close()


class Broker:
    """Carries notices to workers, each to one that waits, whichever."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._notices: list[JobNotice] = []
        self._waiting: list[tuple[Process, asyncio.Future[JobNotice]]] = []

    @property
    def empty(self) -> bool:
        return not self._notices

    def notify(self, notices: Sequence[JobNotice]) -> None:
        for notice in notices:
            match self._world.faults.at(Point.NOTICE):
                case Fault.NOTICE_LOST:
                    continue
                case Fault.NOTICE_TWICE:
                    self._put(notice)
                case Fault.NOTICE_LATE:
                    late = notice
                    self._world.later(self._world.chance.random() * 30, lambda late=late: self._put(late))  # type: ignore[misc]
                    continue
                case _:
                    pass
            self._put(notice)

    async def next(self, process: Process) -> JobNotice:
        """Return the next notice, once there is one."""
        if self._notices:
            return self._notices.pop(self._world.chance.randrange(len(self._notices)))
        future: asyncio.Future[JobNotice] = self._world.loop.create_future()
        self._waiting.append((process, future))
        return await future

    def _put(self, notice: JobNotice) -> None:
        self._waiting = [(process, future) for process, future in self._waiting if process.alive and not future.done()]
        if self._waiting:
            _, future = self._waiting.pop(self._world.chance.randrange(len(self._waiting)))
            future.set_result(notice)
        elif notice not in self._notices:
            self._notices.append(notice)


def due_notices(world: World) -> list[JobNotice]:
    """Return a notice of each job that is due, as a scheduler finds it."""
    rows = world.storage.rows(
        "SELECT queue, store_id, id FROM jobs WHERE (status = 'queued' AND due_at <= :now)"
        " OR (status = 'running' AND lease_until < :now) ORDER BY due_at, id",
        int(world.now().timestamp() * 1_000_000),
    )
    return [JobNotice(Queue(queue), store_id, UUID(bytes=job_id)) for queue, store_id, job_id in rows]
