"""The one place that knows concrete things: settings become a database, channels, brokers and a doorbell."""

from collections.abc import Mapping
from dataclasses import dataclass

from dramatiq import Broker
from muster_sdk import Channel

from api.settings import Settings
from api.workers.doorbell import Doorbell
from api.workers.handlers import HANDLERS
from api.workers.job import Tools
from api.workers.lanes import Lanes, brokers_for
from domain.clock import Clock
from domain.db import Database
from domain.jobs import Queue


@dataclass(frozen=True, slots=True)
class Runtime:
    """What every way in is handed."""

    settings: Settings
    clock: Clock
    database: Database
    channels: Mapping[str, Channel]
    brokers: Mapping[Queue, Broker]
    doorbell: Doorbell
    key: bytes

    @property
    def tools(self) -> Tools:
        return Tools(self.clock, self.channels, self.key, HANDLERS)

    def lanes(self, threads: int = 4) -> Lanes:
        return Lanes(self.brokers, self.connect, self.tools, threads=threads)

    def connect(self, connections: int) -> Database:
        """The database for another event loop: connections belong to the one that opened them."""
        return Database(self.settings.database_url, pool_size=connections, doorbell=self.doorbell)

    async def close(self) -> None:
        self.doorbell.close()
        await self.database.close()
        for broker in self.brokers.values():
            broker.close()


def build(settings: Settings) -> Runtime:
    brokers = brokers_for(settings.broker_url)
    doorbell = Doorbell(brokers)
    return Runtime(
        settings=settings,
        clock=settings.clock(),
        database=Database(settings.database_url, pool_size=10, doorbell=doorbell),
        channels={},
        brokers=brokers,
        doorbell=doorbell,
        key=settings.key(),
    )
