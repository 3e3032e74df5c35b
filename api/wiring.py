"""The one place that knows concrete things: settings become a database, channels, brokers and a notifier."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from dramatiq import Broker

from api.audit_trail import AuditTrail
from api.graphql.kit.context import ServerServices
from api.http.health import Probes
from api.settings import Settings
from api.workers.broker import probe
from api.workers.consumers import Consumers, brokers_for
from api.workers.handlers import JOB_KINDS
from api.workers.notifier import Notifier
from api.workers.scheduler import Chore, chores_of
from api.workers.watchdog import Watchdog
from domain.installation.keys import InstallationKeys
from domain.installation.marker import LifeMarker
from domain.jobs import Queue
from domain.kit.db import JOBS, Database, TimeLimits
from domain.operations.files import FileDirectory
from domain.segments.evaluation.cache.lru import LeafCache
from domain.segments.evaluation.preview import Previews
from domain.services import Services
from domain.sessions.continuity import Continuity
from domain.sessions.journal import JournalDirectory
from domain.templates.rendering import MinijinjaTemplates
from plugins.contributions import Plugins
from plugins.isolation.sessions import IsolatedSessions
from plugins.manager import load
from plugins.store_channels import InstalledChannels

_CHORES_AT_A_TIME = 4


@dataclass(frozen=True, slots=True)
class Runtime:
    """The services, and what keeps a process of the server or of the workers running."""

    settings: Settings
    services: ServerServices
    plugins: Plugins
    brokers: Mapping[Queue, Broker]
    notifier: Notifier
    watchdog: Watchdog

    @property
    def database(self) -> Database:
        return self.services.database

    @property
    def probes(self) -> Probes:
        services = self.services
        return Probes(
            self.database,
            self.ask_broker,
            self.watchdog.stuck,
            self.settings.embedded,
            services.keys,
            services.continuity,
        )

    def consumers(self, threads: int = 4) -> Consumers:
        return Consumers(self.brokers, self.connect, JOB_KINDS, threads=threads, watchdog=self.watchdog)

    @asynccontextmanager
    async def chores(self) -> AsyncGenerator[list[Chore]]:
        """Yield the scheduler's chores, which have connections and time limits of their own."""
        services = self.connect(_CHORES_AT_A_TIME)
        try:
            yield chores_of(services, JOB_KINDS)
        finally:
            await services.database.close()

    def connect(self, connections: int) -> Services:
        """Return the services for another event loop: connections belong to the one that opened them."""
        database = _database(self.settings, connections, self.notifier, JOBS)
        return replace(self.services, database=database)

    def ask_broker(self) -> None:
        """Raise whatever the client does when the broker does not answer."""
        probe(self.brokers[Queue.DEFAULT])

    async def close(self) -> None:
        self.watchdog.close()
        await self.services.sessions.close()
        await self.services.previews.close()
        self.notifier.close()
        await self.database.close()
        for broker in self.brokers.values():
            broker.close()


def build(settings: Settings, limits: TimeLimits = JOBS) -> Runtime:
    """Return the runtime; what it does by itself with the database follows the limits, jobs have their own."""
    keys = InstallationKeys(settings.secret_keys())
    settings.tighten_directories()
    child_limits = settings.child_limits()
    plugins = load(settings.blocked_plugins, child_limits)
    sessions = IsolatedSessions(plugins, child_limits.environment, child_limits.memory_mb, child_limits.private_targets)
    brokers = brokers_for(settings.broker_url, settings.broker_namespace)
    notifier = Notifier(brokers)
    database = _database(settings, 10, notifier, limits)
    cache_bytes = settings.preview_cache_mb * 1_000_000
    services = ServerServices(
        database=database,
        clock=settings.clock(),
        templates=MinijinjaTemplates(),
        public_url=settings.public_url,
        keys=keys,
        channels=InstalledChannels(plugins, keys, sessions),
        allowed_origins=settings.allowed_origins,
        sessions=sessions,
        journals=JournalDirectory(settings.journals()),
        continuity=Continuity(settings.journals(), LifeMarker(settings.files()), settings.sqlite_file()),
        files=FileDirectory(settings.files()),
        extensions=plugins.extensions,
        audit=AuditTrail(database, before=settings.audit_before),
        previews=Previews(database, LeafCache(cache_bytes) if cache_bytes else None, extensions=plugins.extensions),
    )
    return Runtime(settings, services, plugins, brokers, notifier, Watchdog())


def _database(settings: Settings, connections: int, notifier: Notifier, limits: TimeLimits) -> Database:
    return Database(
        settings.database_url,
        pool_size=connections,
        notify=notifier,
        limits=limits,
        pooler=settings.database_pooler == "transaction",
        row_security=settings.row_security,
    )
