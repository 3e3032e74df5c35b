"""Lanes on every broker, with handlers that tests name."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from dramatiq import Broker

from api.workers.doorbell import Doorbell
from api.workers.job import Handler, Run, Tools
from api.workers.lanes import Lanes, brokers_for
from domain.clock import system_clock
from domain.db import Database
from domain.jobs import Queue


@dataclass
class Works:
    """A process that works: lanes, their brokers, and a doorbell as a server has it."""

    brokers: dict[Queue, Broker]
    doorbell: Doorbell
    handlers: dict[str, Handler]
    lanes: Lanes
    database_url: str

    def on(self, kind: str, run: Run, time_limit: float = 3600) -> None:
        self.handlers[kind] = Handler(run, time_limit=time_limit)

    def database(self) -> Database:
        """The tests' own, which rings as the server's does."""
        return Database(self.database_url, doorbell=self.doorbell)


@pytest.fixture
def works(broker_url: str, database_url: str) -> Iterator[Works]:
    brokers = brokers_for(broker_url)
    for broker in brokers.values():
        broker.flush_all()
    doorbell = Doorbell(brokers)
    handlers: dict[str, Handler] = {}
    lanes = Lanes(
        brokers,
        lambda connections: Database(database_url, pool_size=connections, doorbell=doorbell),
        Tools(system_clock, {}, b"key", handlers),
        threads=4,
    )
    yield Works(brokers, doorbell, handlers, lanes, database_url)
    doorbell.close()
    for broker in brokers.values():
        broker.close()


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)
