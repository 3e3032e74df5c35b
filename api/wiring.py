"""The one place that knows concrete things: settings become a database, channels, brokers and a notifier."""

from collections.abc import Mapping
from dataclasses import dataclass

from dramatiq import Broker

from api.settings import Settings
from api.workers.broker import waiting
from api.workers.consumers import Consumers, brokers_for
from api.workers.handlers import HANDLERS
from api.workers.notifier import Notifier
from api.workers.runner import Tools
from api.workers.scheduler import Chore, chores_of
from domain.consents.links import UnsubscribeLinks
from domain.jobs import Queue
from domain.kit.clock import Clock
from domain.kit.db import Database
from domain.operations.files import FileLinks, Files
from domain.segments.evaluation.cache.lru import LeafCache
from domain.segments.evaluation.preview import Previews
from domain.templates.rendering import MinijinjaTemplates
from plugins.manager import Plugins, load
from plugins.store_channels import InstalledChannels


@dataclass(frozen=True, slots=True)
class Runtime:
    """What every way in is handed."""

    settings: Settings
    clock: Clock
    database: Database
    plugins: Plugins
    channels: InstalledChannels
    templates: MinijinjaTemplates
    links: UnsubscribeLinks
    files: Files
    file_links: FileLinks
    brokers: Mapping[Queue, Broker]
    notifier: Notifier
    key: bytes

    @property
    def tools(self) -> Tools:
        return Tools(
            self.clock,
            self.templates,
            self.links,
            self.channels.find,
            self.files,
            self.plugins.extensions,
            HANDLERS,
        )

    @property
    def previews(self) -> Previews:
        """With a memory of its own: a server process asks once."""
        kept = self.settings.preview_cache_mb * 1_000_000
        return Previews(self.database, LeafCache(kept) if kept else None, extensions=self.plugins.extensions)

    def consumers(self, threads: int = 4) -> Consumers:
        return Consumers(self.brokers, self.connect, self.tools, threads=threads)

    def chores(self) -> list[Chore]:
        return chores_of(self.database, self.tools, self.brokers, self.notifier)

    def connect(self, connections: int) -> Database:
        """The database for another event loop: connections belong to the one that opened them."""
        return Database(self.settings.database_url, pool_size=connections, notify=self.notifier)

    def ask_broker(self) -> None:
        """Raises when the broker does not answer."""
        waiting(self.brokers[Queue.DEFAULT], Queue.DEFAULT)

    async def close(self) -> None:
        self.notifier.close()
        await self.database.close()
        for broker in self.brokers.values():
            broker.close()


def build(settings: Settings) -> Runtime:
    key = settings.key()
    plugins = load(settings.blocked_plugins)
    brokers = brokers_for(settings.broker_url)
    notifier = Notifier(brokers)
    return Runtime(
        settings=settings,
        clock=settings.clock(),
        database=Database(settings.database_url, pool_size=10, notify=notifier),
        plugins=plugins,
        channels=InstalledChannels(plugins, key),
        templates=MinijinjaTemplates(),
        links=UnsubscribeLinks(settings.public_url, key),
        files=Files(settings.files()),
        file_links=FileLinks(settings.public_url, key),
        brokers=brokers,
        notifier=notifier,
        key=key,
    )
