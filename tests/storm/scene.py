"""What a storm rages over: a database, a broker, a mail server, lines between them, and two trees of processes."""

import asyncio
import sqlite3
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import redis
from sqlalchemy import make_url

from api.workers.broker import make_broker
from domain.jobs import Queue
from domain.kit.db import Database
from domain.migrations import migrate
from tests.cluster import postgres
from tests.journeys.mailing import launch_mailing
from tests.journeys.processes import mail_server
from tests.services import RABBITMQ, REDIS, broker_turn
from tests.storm.proxy import Proxy, proxy
from tests.storm.trees import Tree

KEY = "a key for the storms of tests"
# A database of Redis that no other test has.
_REDIS_DATABASE = 8
_NAMESPACE = "storm"
TREES = 2


@dataclass(frozen=True)
class Cell:
    """A database and a broker."""

    database: str
    broker: str

    def __str__(self) -> str:
        return f"{self.database}-{self.broker}"


@dataclass
class Scene:
    """A campaign on its way. Tests see the database and the broker directly, Muster through the lines."""

    cell: Cell
    url: str
    log: Path
    journals: Path
    trees: list[Tree]
    lines: Mapping[str, Proxy]
    server: postgres.Server | None
    broker_url: str | None
    store_id: int = field(init=False)
    campaign_id: UUID = field(init=False)

    def received(self) -> int:
        return self.log.read_bytes().count(b"\n")

    def wipe_broker(self) -> None:
        """Delete every message."""
        assert self.broker_url is not None
        if self.cell.broker == "redis":
            with redis.Redis.from_url(self.broker_url) as client:  # pyright: ignore[reportUnknownMemberType] # **kwargs
                client.flushdb()  # pyright: ignore[reportUnknownMemberType] # **kwargs
            return
        for queue in Queue:
            broker = make_broker(self.broker_url, queue, _NAMESPACE)
            for name in broker.get_declared_queues():
                broker.flush(name)
            broker.close()

    def expire_leases(self) -> bool:
        """Let others have every job that is running; return False where a row is locked by whoever is frozen."""
        if self.server is not None:
            statement = "UPDATE jobs SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL"
            try:
                self.server.psql(f"SET lock_timeout = 500; {statement}")
            except AssertionError:
                return False
            return True
        with closing(sqlite3.connect(self.sqlite_file, timeout=0.5)) as connection:
            try:
                connection.execute("UPDATE jobs SET lease_until = lease_until - 3600000000")
                connection.commit()
            except sqlite3.OperationalError:
                return False
        return True

    @property
    def sqlite_file(self) -> str:
        file = make_url(self.url).database
        assert file is not None
        return file

    async def stage(self, recipients: int, mail_port: int) -> None:
        """Add a campaign to customers who all accept e-mail, and have it launched."""
        self.store_id, self.campaign_id = await launch_mailing(self.url, mail_port, recipients, KEY)


@contextmanager
def scene(cell: Cell, template: Path | None, folder: Path, *, recipients: int, delay: float) -> Generator[Scene]:
    """A campaign to so many recipients, whose mail server answers each after `delay` seconds; nothing runs yet."""
    with ExitStack() as stack:
        log = folder / "received.log"
        mail_port, _ = stack.enter_context(mail_server(log, delay))
        lines = {"smtp": stack.enter_context(proxy(mail_port))}
        server: postgres.Server | None = None
        if cell.database == "postgresql":
            assert template is not None
            server = stack.enter_context(postgres.server(template, folder / "postgres"))
            url = server.url
            lines["database"] = stack.enter_context(proxy(server.port))
            muster_url = make_url(url).set(port=lines["database"].port).render_as_string(hide_password=False)
        else:
            url = muster_url = f"sqlite+aiosqlite:///{folder / 'muster.db'}"
            asyncio.run(_migrate(url))
        journals = folder / "journals"
        settings = {
            "MUSTER_DATABASE_URL": muster_url,
            "MUSTER_SECRET_KEY": KEY,
            "MUSTER_PRIVATE_TARGETS": "127.0.0.1",
            "MUSTER_JOURNALS_DIR": str(journals),
            "MUSTER_BROKER_NAMESPACE": _NAMESPACE,
            "MUSTER_LOG_FORMAT": "json",
        }
        broker_url: str | None = None
        if cell.broker != "memory":
            stack.enter_context(broker_turn())
            service = REDIS if cell.broker == "redis" else RABBITMQ
            service.require()
            broker_url = f"{REDIS.url}/{_REDIS_DATABASE}" if cell.broker == "redis" else RABBITMQ.url
            parts = make_url(broker_url)
            assert parts.port is not None
            lines["broker"] = stack.enter_context(proxy(parts.port))
            through = parts.set(host="127.0.0.1", port=lines["broker"].port)
            settings["MUSTER_BROKER_URL"] = through.render_as_string(hide_password=False)
        trees = [Tree(settings, folder) for _ in range(TREES)]
        prepared = Scene(cell, url, log, journals, trees, lines, server, broker_url)
        if broker_url is not None:
            prepared.wipe_broker()
        asyncio.run(prepared.stage(recipients, lines["smtp"].port))
        try:
            yield prepared
        finally:
            for tree in trees:
                tree.kill()


async def _migrate(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()
