"""Consumers on every broker, with kinds of job that tests make."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from dramatiq import Broker

from api.workers.consumers import GRACE, Consumers, brokers_for
from api.workers.notifier import Notifier
from domain import jobs
from domain.jobs import Job, JobKind, Queue
from domain.kit.clock import system_clock
from domain.kit.db import Database
from domain.services import Services
from tests.fakes import make_services

Run = Callable[[Services, Job], Awaitable[None]]


@dataclass
class Works:
    """A process that works: consumers, their brokers, and a notifier as a server has it."""

    brokers: dict[Queue, Broker]
    notifier: Notifier
    kinds: dict[str, JobKind[Services]]
    consumers: Consumers
    database_url: str
    running: bool = False

    def start(self) -> None:
        self.running = True
        self.consumers.start()

    def stop(self, grace: float = GRACE) -> None:
        self.running = False
        self.consumers.stop(grace)

    def on(self, kind: str, run: Run, time_limit: float = 3600) -> None:
        async def run_and_finish(services: Services, job: Job) -> None:
            await run(services, job)
            async with services.database.write() as tx:
                await jobs.finish(tx, job)

        self.kinds[kind] = JobKind(kind, Queue.DEFAULT, run_and_finish, time_limit=time_limit)

    def database(self) -> Database:
        """The database of the tests, which notifies as that of the server does."""
        return Database(self.database_url, notify=self.notifier)


@contextmanager
def working_at(broker_url: str, database_url: str) -> Generator[Works]:
    """A process that has yet to be started; one that a test leaves running is stopped."""
    brokers = brokers_for(broker_url, "muster-test")
    notifier = Notifier(brokers)
    kinds: dict[str, JobKind[Services]] = {}

    def connect(connections: int) -> Services:
        database = Database(database_url, pool_size=connections, notify=notifier)
        return make_services(database, clock=system_clock)

    works = Works(brokers, notifier, kinds, Consumers(brokers, connect, kinds, threads=4), database_url)
    yield works
    # A test that failed leaves them running, and they would disturb every test after it.
    if works.running:
        works.stop(0.1)
    notifier.close()
    for broker in brokers.values():
        broker.close()


@pytest.fixture
def works(broker_url: str, database_url: str) -> Iterator[Works]:
    with working_at(broker_url, database_url) as works:
        for broker in works.brokers.values():
            broker.flush_all()
        yield works


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)
