"""The application with the pigeons' channel, whose code runs in a process of its own, and their provider."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
from pydantic import SecretStr
from sqlalchemy import update

from api.app import create_app
from api.settings import Settings, child_environment
from api.wiring import build
from domain.channels import periodic, states
from domain.channels.tables import channel_works
from domain.kit.db.portable import database_later
from plugins.isolation.sessions import IsolatedSessions
from plugins.store_channels import InstalledChannels
from tests.api.graphql.stage import Hands, Json, Stage, StoreClient
from tests.fakes import RecordingChannel, plugins_of
from tests.plugins.isolation.loft import Loft, open_loft
from tests.plugins.isolation.pigeon import Pigeon

ROOT = Path(__file__).parents[3]
SPA = "https://spa.example"
SECRET = "the key of tests alone"


@dataclass
class Accounts:
    """A store, and the provider of its pigeons."""

    store: StoreClient
    loft: Loft

    @property
    def stage(self) -> Stage:
        return self.store.stage

    @property
    def given(self) -> dict[str, object]:
        return {"apiBaseUrl": self.loft.url, "clientId": "shop"}

    async def configure(self, **settings: object) -> None:
        await self.store.install("pigeon", {**self.given, "accessToken": self.loft.token, **settings})

    async def test(self) -> Json:
        document = 'mutation { channelTest(key: "pigeon") { account problems userErrors { field message code } } }'
        return (await self.store.get(document))["channelTest"]

    async def connect(self, return_url: str = f"{SPA}/channels?a=1", **settings: object) -> Json:
        document = """mutation ($settings: JSON, $url: String!) {
            channelConnect(key: "pigeon", settings: $settings, returnUrl: $url) {
                authorizationUrl userErrors { field message code } } }"""
        given = {**self.given, **settings}
        return (await self.store.get(document, settings=given, url=return_url))["channelConnect"]

    async def consent(self, url: str) -> str:
        """Return where the provider's page sends the browser."""
        async with aiohttp.ClientSession() as browser, browser.get(url, allow_redirects=False) as answer:
            return answer.headers["Location"]

    async def channel(self) -> Json:
        query = """{ channel(key: "pigeon") { configured settings problem sync {
            status done total problem lastSyncedAt lists { list { id name } count contacts syncedAt } } } }"""
        return (await self.store.get(query))["channel"]

    async def settings(self) -> dict[str, object] | None:
        async with self.stage.runtime.database.read() as tx:
            found = await self.stage.runtime.services.channels.find(tx, self.store.store_id, "pigeon")
        return None if found is None or found.settings is None else dict(found.settings)

    async def state(self) -> dict[str, object]:
        async with self.stage.runtime.database.read() as tx:
            return await states.load(tx, self.store.store_id, "pigeon")

    async def add_customers(self, consents: Sequence[str | None], first: int = 0) -> None:
        """Add customers c0, c1, ... with these consents to pigeons; None is one without a contact."""
        await self.store.customers(
            *(
                {
                    "externalId": f"c{number}",
                    "email": f"c{number}@shop.example",
                    "contacts": []
                    if consent is None
                    else [{"channel": "pigeon", "address": f"c{number}@shop.example", "consent": consent}],
                }
                for number, consent in enumerate(consents, first)
            )
        )

    async def sync(self) -> Json:
        """Request a sync, and return the payload; `stage.work()` does it."""
        document = 'mutation { channelSync(key: "pigeon") { sync { status } userErrors { field message code } } }'
        return (await self.store.get(document))["channelSync"]

    async def work_periodically(self) -> None:
        """Do the work that is due, as the scheduler and a worker would."""
        await periodic.schedule_due(self.stage.runtime.services)
        await self.stage.work()

    async def make_due(self) -> None:
        database = self.stage.runtime.database
        async with database.write() as tx:
            await tx.execute(
                update(channel_works)
                .where(channel_works.c.store_id == self.store.store_id)
                .values(due_at=database_later(-1, tx.dialect))
            )


@asynccontextmanager
async def open_accounts(database_url: str, files_dir: Path) -> AsyncGenerator[Accounts]:
    settings = Settings(
        database_url=database_url,
        secret_key=SecretStr(SECRET),
        files_dir=files_dir,
        public_url="http://muster.test",
        allowed_origins=(SPA,),
    )
    runtime, clock = build(settings), Hands()
    plugins = plugins_of(Pigeon(), package="muster-pigeon")
    environment = {**child_environment(), "PYTHONPATH": str(ROOT)}
    sessions = IsolatedSessions(plugins, environment, 512, ["127.0.0.0/8"])
    channels = InstalledChannels(plugins, runtime.services.keys, sessions)
    services = replace(runtime.services, clock=clock, channels=channels, sessions=sessions)
    runtime = replace(runtime, services=services, plugins=plugins)
    stage = Stage(runtime, create_app(runtime), RecordingChannel(), clock)
    async with open_loft() as loft:
        yield Accounts(await stage.store(), loft)
        await runtime.close()
