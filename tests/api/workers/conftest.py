"""Lanes on every broker, with handlers that tests name."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dramatiq import Broker

from api.workers.consumers import GRACE, Lanes, brokers_for
from api.workers.notifier import Doorbell
from api.workers.runner import Handler, JobContext, Run, Tools
from domain import jobs
from domain.consents.links import UnsubscribeLinks
from domain.jobs import Queue
from domain.kit.clock import system_clock
from domain.kit.db import Database, Transaction
from domain.operations.files import Files
from domain.templates.rendering import MinijinjaTemplates


@dataclass
class Works:
    """A process that works: lanes, their brokers, and a doorbell as a server has it."""

    brokers: dict[Queue, Broker]
    doorbell: Doorbell
    handlers: dict[str, Handler]
    tools: Tools
    lanes: Lanes
    database_url: str
    running: bool = False

    def start(self) -> None:
        self.running = True
        self.lanes.start()

    def stop(self, grace: float = GRACE) -> None:
        self.running = False
        self.lanes.stop(grace)

    def on(self, kind: str, run: Run, time_limit: float = 3600) -> None:
        async def run_and_finish(context: JobContext) -> None:
            await run(context)
            async with context.office.database.write() as tx:
                assert await jobs.finish(tx, context.job)

        self.handlers[kind] = Handler(run_and_finish, time_limit=time_limit)

    def database(self) -> Database:
        """The tests' own, which rings as the server's does."""
        return Database(self.database_url, doorbell=self.doorbell)


@pytest.fixture
def works(broker_url: str, database_url: str, tmp_path: Path) -> Iterator[Works]:
    brokers = brokers_for(broker_url)
    for broker in brokers.values():
        broker.flush_all()
    doorbell = Doorbell(brokers)
    handlers: dict[str, Handler] = {}
    links = UnsubscribeLinks("http://127.0.0.1", b"key")
    tools = Tools(system_clock, MinijinjaTemplates(), links, no_channel, Files(tmp_path / "files"), handlers)

    def connect(connections: int) -> Database:
        return Database(database_url, pool_size=connections, doorbell=doorbell)

    made = Works(brokers, doorbell, handlers, tools, Lanes(brokers, connect, tools, threads=4), database_url)
    yield made
    # A test that failed leaves them running, and they would disturb every test after it.
    if made.running:
        made.stop(0.1)
    doorbell.close()
    for broker in brokers.values():
        broker.close()


async def no_channel(_tx: Transaction, _store_id: int, _key: str) -> None:
    """These jobs send nothing."""


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)
