"""Lanes on every broker, with handlers that tests name."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dramatiq import Broker

from api.workers.consumers import GRACE, Consumers, brokers_for
from api.workers.notifier import Notifier
from api.workers.runner import Handler, JobContext, Run, Tools
from domain import jobs
from domain.consents.links import UnsubscribeLinks
from domain.jobs import Queue
from domain.kit.clock import system_clock
from domain.kit.db import Database, Transaction
from domain.operations.files import Files
from domain.segments.catalogue import NO_EXTENSIONS
from domain.templates.rendering import MinijinjaTemplates


@dataclass
class Works:
    """A process that works: consumers, their brokers, and a notifier as a server has it."""

    brokers: dict[Queue, Broker]
    notifier: Notifier
    handlers: dict[str, Handler]
    tools: Tools
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
        async def run_and_finish(context: JobContext) -> None:
            await run(context)
            async with context.office.database.write() as tx:
                await jobs.finish(tx, context.job)

        self.handlers[kind] = Handler(run_and_finish, time_limit=time_limit)

    def database(self) -> Database:
        """The database of the tests, which notifies as that of the server does."""
        return Database(self.database_url, notify=self.notifier)


@pytest.fixture
def works(broker_url: str, database_url: str, tmp_path: Path) -> Iterator[Works]:
    brokers = brokers_for(broker_url)
    for broker in brokers.values():
        broker.flush_all()
    notifier = Notifier(brokers)
    handlers: dict[str, Handler] = {}
    links = UnsubscribeLinks("http://127.0.0.1", b"key")
    tools = Tools(
        system_clock, MinijinjaTemplates(), links, no_channel, Files(tmp_path / "files"), NO_EXTENSIONS, handlers
    )

    def connect(connections: int) -> Database:
        return Database(database_url, pool_size=connections, notify=notifier)

    made = Works(brokers, notifier, handlers, tools, Consumers(brokers, connect, tools, threads=4), database_url)
    yield made
    # A test that failed leaves them running, and they would disturb every test after it.
    if made.running:
        made.stop(0.1)
    notifier.close()
    for broker in brokers.values():
        broker.close()


async def no_channel(_tx: Transaction, _store_id: int, _key: str) -> None:
    """These jobs send nothing."""


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)
