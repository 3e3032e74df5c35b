"""One soak: a server on a database, its clients, and what it had open meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import monotonic

import httpx

from api.settings import Settings
from domain.kit.db import Database
from domain.migrations import migrate
from domain.stores import queries
from domain.stores.model import TokenScope, new_token, token_hash
from tests.factories import add_store
from tests.journeys.processes import Served, mail_server, served
from tests.soak import chores
from tests.soak.clients import ERRORS, Store, listeners, work
from tests.soak.figures import Sample, Sampler, Trend, left_open, trends

KEY = "a key for the soaks of tests"


@dataclass(frozen=True, slots=True)
class Load:
    """How much is asked of the server, and for how many seconds."""

    seconds: float
    customers: int = 2_000
    clients: int = 200
    subscriptions: int = 500
    # Seconds between a client's requests, and for which one subscribes.
    pause: float = 5.0
    stay: float = 60.0
    # Seconds of the same load before the first sample; and in which a server closes what clients left.
    warm: float = 60.0
    grace: float = 10.0
    every: float = 5.0


@dataclass(frozen=True, slots=True)
class Report:
    samples: list[Sample]
    outcomes: Mapping[str, int]
    trends: list[Trend]
    left_open: list[str]

    @property
    def wrong(self) -> list[str]:
        """Return a line for each thing that a server should not do."""
        grown = [f"{t.figure.name} grows: {t.growth:+.1f} {t.figure.unit}" for t in self.trends if t.grows]
        bad = ("failed", "refused streams", "closed sockets")
        failures = [f"{self.outcomes[name]} {name}" for name in bad if self.outcomes.get(name)]
        # What a busy machine does not get done within two minutes is not the server's fault, as long as it is little.
        if (broken := self.outcomes.get("broken connections", 0)) > self.outcomes.get("answered", 0) / 100:
            failures.append(f"{broken} broken connections")
        done = ("answered", "events", "imports", "exports", "campaigns")
        idle = [f"no {name}" for name in done if not self.outcomes.get(name)]
        return [*grown, *failures, *idle, *self.left_open]


def run(database_url: str, folder: Path, load: Load, show: Callable[[Sample], None]) -> Report:
    """Serve the database, which is migrated first, under the load; `show` is called with each sample.

    The URL is one that MUSTER_DATABASE_URL takes.
    """
    database_url = Settings(database_url=database_url).database_url
    token = asyncio.run(_prepare(database_url))
    with mail_server() as (mail_port, _), _server(database_url, folder) as process:
        return asyncio.run(_soak(process, token, mail_port, load, show))


@contextmanager
def _server(database_url: str, folder: Path) -> Generator[Served]:
    settings = {
        "MUSTER_DATABASE_URL": database_url,
        "MUSTER_SECRET_KEY": KEY,
        "MUSTER_FILES_DIR": str(folder / "files"),
        "MUSTER_JOURNALS_DIR": str(folder / "journals"),
        "MUSTER_PRIVATE_TARGETS": "127.0.0.1",
        "MUSTER_LOG_FORMAT": "json",
        "MUSTER_LOG_LEVEL": "warning",
    }
    with served(settings, folder) as process:
        yield process


async def _prepare(database_url: str) -> str:
    """Return the token of a new store."""
    database = Database(database_url)
    await migrate(database)
    async with database.write() as tx:
        store_id = await add_store(tx)
        token = new_token(store_id)
        hashed = token_hash(token)
        assert hashed is not None
        await queries.add_token(tx, store_id, "soak", hashed, frozenset({TokenScope.ADMIN}), datetime.now(UTC))
    await database.close()
    return token


async def _furnish(store: Store, client: httpx.AsyncClient, mail_port: int) -> str:
    """Fill the store; return the list that campaigns go to. Subscriptions follow a draft, which never ends."""
    await chores.import_file(store, client)
    settings = {"host": "127.0.0.1", "port": mail_port, "security": "none", "fromAddress": "shop@example.com"}
    install = f'mutation ($s: JSON) {{ channelInstall(key: "email", settings: $s) {{ {ERRORS} }} }}'
    await store.ask(client, install, {"s": settings})
    create = "mutation ($i: SegmentInput!) { segmentCreate(input: $i) { list { id } operation { id } } }"
    made = (await store.ask(client, create, {"i": {"name": "Everyone"}}))["data"]["segmentCreate"]
    await chores.finish(store, client, made["operation"]["id"])
    list_id = str(made["list"]["id"])
    content = {"subject": "x", "text": "x"}
    draft = {"name": "Draft", "channel": "email", "target": {"listId": list_id}, "content": content}
    create = "mutation ($i: CampaignInput!) { campaignCreate(input: $i) { campaign { id } } }"
    store.campaign = (await store.ask(client, create, {"i": draft}))["data"]["campaignCreate"]["campaign"]["id"]
    return list_id


async def _soak(process: Served, token: str, mail_port: int, load: Load, show: Callable[[Sample], None]) -> Report:
    store, rng = Store(process.url, token, load.customers), Random(1)
    sampler, began = Sampler(process.process, process.url), monotonic()
    async with store.open(1) as observer, store.open(load.clients + load.subscriptions + 10) as client:
        list_id = await _furnish(store, client, mail_port)

        async def sample() -> Sample:
            return await sampler.sample(observer, monotonic() - began)

        async def sustain(seconds: float) -> AsyncGenerator[Sample]:
            async with _everyone(store, client, list_id, load, rng) as tasks:
                async for taken in _watch(tasks, seconds, load.every, sample):
                    yield taken

        # Pools and caches are filled once: what is open then is what a server has.
        async for _ in sustain(load.warm):
            pass
        await asyncio.sleep(load.grace)
        before = await sample()
        samples: list[Sample] = []
        async for taken in sustain(load.seconds):
            samples.append(taken)
            show(taken)
        lines = left_open(before, await sample())
        until = monotonic() + 2 * load.grace
        while lines and monotonic() < until:
            await asyncio.sleep(1)
            lines = left_open(before, await sample())
    return Report(samples, store.outcomes, trends(samples), lines)


@asynccontextmanager
async def _everyone(
    store: Store, client: httpx.AsyncClient, list_id: str, load: Load, rng: Random
) -> AsyncGenerator[list[asyncio.Task[None]]]:
    """Clients, listeners and chores, until the block ends."""
    everyone = [
        *(work(store, client, Random(rng.random()), load.pause) for _ in range(load.clients)),
        *listeners(store, client, load.subscriptions, rng, load.stay),
        chores.repeat(store, client, list_id),
    ]
    tasks = [asyncio.create_task(someone) for someone in everyone]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(
    tasks: Sequence[asyncio.Task[None]], seconds: float, every: float, sample: Callable[[], Awaitable[Sample]]
) -> AsyncGenerator[Sample]:
    """Yield samples for so long. Raise what one of the tasks did: all go on for ever."""
    until = monotonic() + seconds
    while monotonic() < until:
        await asyncio.sleep(min(every, seconds))
        for task in tasks:
            if task.done():
                task.result()
        yield await sample()
