"""A consumer for each queue: its own threads, event loop and connections, so that no queue starves another."""

import asyncio
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from typing import Any
from uuid import UUID

import dramatiq
import structlog
from dramatiq import Broker, Worker

from api.workers.broker import ACTOR, make_broker, queue_name
from api.workers.liveness import identity
from api.workers.runner import JobKinds, work
from domain.jobs import Queue
from domain.services import Services

if sys.platform != "win32":
    from uvloop import new_event_loop
else:
    from asyncio import new_event_loop

log = structlog.get_logger(__name__)

# Makes services whose database has so many connections.
Connect = Callable[[int], Services]

GRACE = 20.0
_IDLE_MS = 200


def brokers_for(url: str) -> dict[Queue, Broker]:
    return {queue: make_broker(url, queue) for queue in Queue}


def threads_of(queue: Queue, threads: int) -> int:
    """Messages go out beside each other; large files come in one at a time, lists and reports two."""
    fixed = {Queue.LISTS: 2, Queue.IMPORTS: 1, Queue.SEGMENTS: 1, Queue.REPORTS: 2, Queue.DEFAULT: 2}
    return fixed.get(queue, threads)


class Consumer:
    """Runs the jobs of one queue. A thread waits for each running job; the jobs themselves share one event loop."""

    def __init__(
        self,
        queue: Queue,
        broker: Broker,
        connect: Connect,
        kinds: JobKinds,
        threads: int,
    ) -> None:
        self.queue = queue
        self.owner = identity(queue.value)
        self._connect, self._kinds, self._threads = connect, kinds, threads
        self._loop = new_event_loop()
        self._loop_thread = threading.Thread(target=self._loop.run_forever, name=f"{queue.value}-loop", daemon=True)
        self._running: set[asyncio.Task[Any]] = set()
        self._services: Services
        dramatiq.actor(actor_name=ACTOR, queue_name=queue_name(queue), broker=broker)(self._work)
        self._worker = Worker(broker, queues={queue_name(queue)}, worker_threads=threads, worker_timeout=_IDLE_MS)

    def start(self) -> None:
        self._loop_thread.start()
        # An engine belongs to the loop that it was first used on.
        self._services = self._connect(self._threads + 2)
        self._worker.start()

    def stop(self, grace: float = GRACE) -> None:
        """Take no more jobs; those that do not end within the grace are given back."""
        stopping = threading.Thread(target=self._worker.stop, kwargs={"timeout": int((grace + 5) * 1000)})
        stopping.start()
        stopping.join(grace)
        self._loop.call_soon_threadsafe(self._cancel)
        stopping.join()
        asyncio.run_coroutine_threadsafe(self._services.database.close(), self._loop).result(timeout=5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._loop_thread.join()
        self._loop.close()

    def _work(self, store_id: int, job_id: str) -> None:
        doing = asyncio.run_coroutine_threadsafe(self._job(store_id, UUID(job_id)), self._loop)
        try:
            doing.result()
        except CancelledError:
            log.info("job_not_claimed", queue=self.queue.value, error="stopping")
        except Exception as error:  # noqa: BLE001 - the message is only a hint: the scheduler notifies again
            log.warning("job_not_claimed", queue=self.queue.value, error=f"{type(error).__name__}: {error}")

    async def _job(self, store_id: int, job_id: UUID) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            await work(self._services, self._kinds, self.owner, store_id, job_id)
        finally:
            self._running.discard(task)

    def _cancel(self) -> None:
        for task in self._running:
            task.cancel()


class Consumers:
    """Every queue's consumer in this process."""

    def __init__(self, brokers: Mapping[Queue, Broker], connect: Connect, kinds: JobKinds, *, threads: int = 4) -> None:
        self._consumers = [
            Consumer(queue, broker, connect, kinds, threads_of(queue, threads)) for queue, broker in brokers.items()
        ]

    def start(self) -> None:
        for consumer in self._consumers:
            consumer.start()

    def stop(self, grace: float = GRACE) -> None:
        stopping = [threading.Thread(target=consumer.stop, args=(grace,)) for consumer in self._consumers]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
