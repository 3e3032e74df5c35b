"""Work by the clock: find jobs that nobody was notified of, and give up those that kill their workers."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic

import structlog
from dramatiq import Broker

from api import metrics
from api.workers.broker import waiting
from api.workers.liveness import dead
from api.workers.runner import JobKinds
from domain import jobs
from domain.campaigns import launch
from domain.jobs import Queue
from domain.kit.db import Database, Notify
from domain.lifecycle import actions as lifecycle
from domain.lists.schedule import make_due
from domain.memberships import tracking
from domain.operations.actions import tidy
from domain.services import Services

log = structlog.get_logger(__name__)

EVERY = 8.0
_JITTER = 2.0
_TIDY_EVERY = 300.0
# A queue holds no more notices than this: with all workers away, they would pile up in the broker.
_MOST_NOTICES = 500


# Something that is looked at in every round.
Chore = Callable[[], Awaitable[object]]


async def keep_schedule(chores: Sequence[Chore], stop: asyncio.Event, *, every: float = EVERY) -> None:
    """One round at once, then every few seconds until stopped. Any number of processes may do it at a time."""
    while not stop.is_set():
        for chore in chores:
            try:
                await chore()
            except Exception as error:  # noqa: BLE001 - the next round may find the database or broker back
                log.warning("chore_failed", error=f"{type(error).__name__}: {error}")
        with suppress(TimeoutError):
            # Apart from each other, whenever they were started.
            await asyncio.wait_for(stop.wait(), every + random.uniform(0, _JITTER))  # noqa: S311


def chores_of(services: Services, kinds: JobKinds, brokers: Mapping[Queue, Broker], notifier: Notify) -> list[Chore]:
    database, clock = services.database, services.clock
    make_files = frozenset(kind.name for kind in kinds.values() if kind.makes_files)
    return [
        lambda: launch.start_due(services),
        lambda: make_lists(services),
        lambda: tracking.start_due(database, clock()),
        lambda: sweep(services, kinds),
        lambda: notify_due(database, brokers, notifier),
        lambda: lifecycle.schedule_due(database, clock()),
        Rarely(lambda: tidy(database, services.files, make_files, clock()), _TIDY_EVERY),
    ]


class Rarely:
    """A chore that need not be done in every round."""

    def __init__(self, chore: Chore, seconds: float) -> None:
        self._chore, self._seconds = chore, seconds
        self._next = 0.0

    async def __call__(self) -> None:
        if monotonic() >= self._next:
            self._next = monotonic() + self._seconds
            await self._chore()


async def make_lists(services: Services) -> None:
    """Lists that are due by the store's days; what cannot be begun stays due, and is told of."""
    for unmade in (await make_due(services.database, services.clock()))[1]:
        error = f"{type(unmade.error).__name__}: {unmade.error}"
        log.error("list_not_started", store=unmade.store_id, segment=str(unmade.segment_id), error=error)


async def sweep(services: Services, kinds: JobKinds) -> None:
    async with services.database.read() as tx:
        gone = dead(await jobs.owners(tx))
    async with services.database.write() as tx:
        if gone:
            await jobs.expire(tx, gone)
        for job in await jobs.sweep(tx):
            metrics.jobs.labels(job.kind, "given_up").inc()
            log.error("job_given_up", kind=job.kind, job=str(job.id), store=job.store_id)
            kind = kinds.get(job.kind)
            if kind is not None and kind.give_up is not None:
                await kind.give_up(tx, job, services.clock())


async def notify_due(database: Database, brokers: Mapping[Queue, Broker], notifier: Notify) -> None:
    for queue, broker in brokers.items():
        room = _MOST_NOTICES - await _waiting(broker, queue)
        if room <= 0:
            continue
        async with database.read() as tx:
            notifier(await jobs.due(tx, room, queue))


async def _waiting(broker: Broker, queue: Queue) -> int:
    try:
        return await asyncio.to_thread(waiting, broker, queue)
    except Exception as error:  # noqa: BLE001 - a broker that is away holds nothing; notifying will fail, harmlessly
        log.warning("broker_unavailable", queue=queue.value, error=f"{type(error).__name__}: {error}")
        return _MOST_NOTICES
