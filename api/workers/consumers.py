"""A consumer for each queue: its own event loop and connections, so that no queue starves another."""

import asyncio
import random
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from uuid import UUID

import dramatiq
import structlog
from dramatiq import Broker, Worker

from api.workers.broker import ACTOR, make_broker, queue_name
from api.workers.leases import LeaseKeeper
from api.workers.liveness import identity
from api.workers.runner import JobKinds, work
from api.workers.watchdog import Watchdog
from domain import jobs
from domain.jobs import Queue
from domain.services import Services

if sys.platform != "win32":
    from uvloop import new_event_loop
else:
    from asyncio import new_event_loop

log = structlog.get_logger(__name__)

# Makes services whose database has so many connections.
Connect = Callable[[int], Services]

GRACE = 10.0
# Seconds that jobs have to end once they are told to: what has begun is sent to its end.
_END_WITHIN = 16.0
# Seconds after which a consumer looks for due jobs by itself, whatever the broker does.
POLL = 6.0
_JITTER = 2.0
_IDLE_MS = 200


def brokers_for(url: str, namespace: str) -> dict[Queue, Broker]:
    return {queue: make_broker(url, queue, namespace) for queue in Queue}


def threads_of(queue: Queue, threads: int) -> int:
    """Return how many jobs of the queue a process does at a time.

    Messages go out beside each other; large files come in one at a time, lists and reports two.
    """
    fixed = {Queue.LISTS: 2, Queue.IMPORTS: 1, Queue.SEGMENTS: 1, Queue.REPORTS: 2, Queue.DEFAULT: 2}
    return fixed.get(queue, threads)


class Consumer:
    """Runs the jobs of one queue: those that it is notified of, and those that it finds in the database itself."""

    def __init__(
        self, queue: Queue, broker: Broker, connect: Connect, kinds: JobKinds, keeper: LeaseKeeper, threads: int
    ) -> None:
        self.queue = queue
        self.owner = identity(queue.value)
        self.loop = new_event_loop()
        self._connect, self._kinds, self._keeper, self._threads = connect, kinds, keeper, threads
        self._loop_thread = threading.Thread(target=self.loop.run_forever, name=f"{queue.value}-loop", daemon=True)
        self._slots = asyncio.Semaphore(threads)
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None
        self._services: Services
        dramatiq.actor(actor_name=ACTOR, queue_name=queue_name(broker), broker=broker)(self._notified)
        # Its threads only wait for a slot: notices are acknowledged when their jobs begin.
        self._worker = Worker(broker, queues={queue_name(broker)}, worker_threads=1, worker_timeout=_IDLE_MS)

    def start(self) -> None:
        self._loop_thread.start()
        # An engine belongs to the loop that it was first used on.
        self._services = self._connect(self._threads + 2)

        async def start_poller() -> None:
            self._poller = asyncio.create_task(self._poll())

        asyncio.run_coroutine_threadsafe(start_poller(), self.loop).result()
        self._worker.start()

    def stop(self, grace: float = GRACE) -> None:
        """Claim no more jobs; those that do not end within the grace are given back."""
        asyncio.run_coroutine_threadsafe(self._end_jobs(grace), self.loop).result()
        self._worker.stop(timeout=5_000)
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._services.sessions.close(), self.loop).result(timeout=5)
            asyncio.run_coroutine_threadsafe(self._services.database.close(), self.loop).result(timeout=5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._loop_thread.join()
        self.loop.close()

    async def _end_jobs(self, grace: float) -> None:
        self._stopping.set()
        if self._poller is not None:
            self._poller.cancel()
        if self._running:
            _, running = await asyncio.wait(self._running, timeout=grace)
            for task in running:
                task.cancel()
            if running and (await asyncio.wait(running, timeout=_END_WITHIN))[1]:
                log.warning("jobs_left", queue=self.queue.value)

    def _notified(self, store_id: int, job_id: str) -> None:
        asyncio.run_coroutine_threadsafe(self._start(store_id, UUID(job_id)), self.loop).result()

    async def _start(self, store_id: int, job_id: UUID) -> "asyncio.Task[None] | None":
        """Begin the job as soon as there is a slot, unless this consumer stops; it stays in the database then."""
        stopping = asyncio.ensure_future(self._stopping.wait())
        slot = asyncio.ensure_future(self._slots.acquire())
        await asyncio.wait({stopping, slot}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self._stopping.is_set():
            slot.cancel()
            return None
        task = asyncio.create_task(self._do(store_id, job_id))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _do(self, store_id: int, job_id: UUID) -> None:
        try:
            await work(self._services, self._kinds, self.owner, self._keeper, store_id, job_id)
        except asyncio.CancelledError:
            log.info("job_not_claimed", queue=self.queue.value, error="stopping")
        except Exception as error:  # noqa: BLE001 - the message is only a hint: the job is found again
            log.warning("job_not_claimed", queue=self.queue.value, error=f"{type(error).__name__}: {error}")
        finally:
            self._slots.release()

    async def _poll(self) -> None:
        """Find due jobs that nobody was notified of: at once while there are any, then every few seconds."""
        while True:
            try:
                async with self._services.database.read() as tx:
                    due = await jobs.due(tx, self._threads, self.queue)
            except Exception as error:  # noqa: BLE001 - the next look may find the database back
                log.warning("poll_failed", queue=self.queue.value, error=type(error).__name__)
                due = []
            # They wait for a slot in one line with those that the broker brings.
            begun = [task for notice in due if (task := await self._start(notice.store_id, notice.job_id))]
            if begun:
                await asyncio.wait(begun, timeout=POLL)
            else:
                # Apart from other processes, whenever they were started.
                await asyncio.sleep(POLL + random.uniform(0, _JITTER))  # noqa: S311


class Consumers:
    """Every queue's consumer in this process, and what holds their leases."""

    def __init__(
        self,
        brokers: Mapping[Queue, Broker],
        connect: Connect,
        kinds: JobKinds,
        *,
        threads: int = 4,
        watchdog: Watchdog | None = None,
    ) -> None:
        self._connect, self._watchdog = connect, watchdog
        self._keeper = LeaseKeeper()
        self._keeper_thread = threading.Thread(target=self._keep_leases, name="leases", daemon=True)
        self._consumers = [
            Consumer(queue, broker, connect, kinds, self._keeper, threads_of(queue, threads))
            for queue, broker in brokers.items()
        ]

    def start(self) -> None:
        self._keeper_thread.start()
        for consumer in self._consumers:
            consumer.start()
            if self._watchdog is not None:
                self._watchdog.watch(consumer.queue.value, consumer.loop)

    def stop(self, grace: float = GRACE) -> None:
        stopping = [threading.Thread(target=consumer.stop, args=(grace,)) for consumer in self._consumers]
        for consumer in self._consumers:
            if self._watchdog is not None:
                self._watchdog.forget(consumer.queue.value)
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        self._keeper.stop()
        self._keeper_thread.join()

    def _keep_leases(self) -> None:
        async def keep() -> None:
            if self._watchdog is not None:
                self._watchdog.watch("leases", asyncio.get_running_loop())
            database = self._connect(2).database
            try:
                await self._keeper.keep(database)
            finally:
                await database.close()
                if self._watchdog is not None:
                    self._watchdog.forget("leases")

        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(keep())
