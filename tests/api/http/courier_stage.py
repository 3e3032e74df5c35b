"""A server with the courier's channel in a process of its own, and the courier's provider on this machine."""

import hmac
import json
import threading
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from muster_sdk import ReceiptKind

from api.app import create_app
from api.settings import child_environment
from domain.kit.db import Database
from domain.stores import queries as stores
from plugins.isolation.sessions import IsolatedSessions
from plugins.sealing import seal
from plugins.store_channels import InstalledChannels
from tests.api.graphql.stage import Hands, Stage, StoreClient, open_stage
from tests.factories import NOW
from tests.fakes import plugins_of
from tests.plugins.isolation.courier import Courier, signature

ROOT = Path(__file__).parents[3]
SECRET = "the courier's secret"
Event = dict[str, Any]


def event(kind: ReceiptKind, at: datetime = NOW, **values: Any) -> Event:
    return {"kind": kind.value, "at": at.isoformat(), **values}


def signed(body: bytes, at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
    timestamp = str(int(at.timestamp()))
    return {"x-timestamp": timestamp, "x-signature": signature(secret, timestamp, body)}


@dataclass
class Provider:
    """Takes messages, each of which it has once by its key, and says what became of them when it is asked."""

    url: str
    taken: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    events: list[Event] = field(default_factory=list[Event])
    page: int = 100
    asked: int = 0
    away: bool = False

    def take(self, message: Mapping[str, Any]) -> Mapping[str, str]:
        self.taken.setdefault(str(message["key"]), message)
        return {"id": f"m-{message['key']}"}

    def told_after(self, cursor: int) -> Mapping[str, Any]:
        self.asked += 1
        end = cursor + self.page
        return {"events": self.events[cursor:end], "cursor": min(end, len(self.events)), "more": end < len(self.events)}


@contextmanager
def provider() -> Generator[Provider]:
    """A provider that answers by HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            self._answer(double.take(json.loads(content)))

        def do_GET(self) -> None:
            self._answer(double.told_after(int(parse_qs(urlsplit(self.path).query)["after"][0])))

        def _answer(self, content: object) -> None:
            if double.away:
                # Nothing is answered.
                self.close_connection = True
                return
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is there
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    double = Provider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class CourierStage:
    """A store with the courier's channel, and whoever sends it webhooks."""

    stage: Stage
    shop: StoreClient
    url: str
    provider: Provider

    @property
    def store_id(self) -> int:
        return self.shop.store_id

    @property
    def database(self) -> Database:
        return self.stage.runtime.database

    @property
    def clock(self) -> Hands:
        return self.stage.clock

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.stage.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://muster.test", timeout=60)

    async def post(self, told: Mapping[str, Any], **options: Any) -> httpx.Response:
        """Send a webhook; it is signed as it should be unless `headers` are given."""
        body = json.dumps(told).encode()
        headers = options.pop("headers", None)
        if headers is None:
            headers = signed(body, options.pop("at", self.clock.now), options.pop("secret", SECRET))
        url = options.pop("url", self.url)
        async with self.client() as client:
            return await client.post(url, content=body, headers=headers)

    async def tell(self, *events: Event, inbound: Sequence[Mapping[str, str]] = ()) -> httpx.Response:
        return await self.post({"events": events, "inbound": inbound})


async def install_courier(database: Database, store_id: int, secret_key: Any, api_base_url: str) -> None:
    settings = {"apiBaseUrl": api_base_url, "secret": SECRET}
    async with database.write() as tx:
        sealed = seal(settings, secret_key, store_id, "courier")
        await stores.install(tx, store_id, "courier", sealed, NOW)


@asynccontextmanager
async def courier_stage(database_url: str, folder: Path) -> AsyncGenerator[CourierStage]:
    stage = open_stage(database_url, folder)
    plugins = plugins_of(Courier(), package="muster-courier")
    environment = {**child_environment(), "PYTHONPATH": str(ROOT)}
    services = stage.runtime.services
    sessions = IsolatedSessions(plugins, environment, 512, ["127.0.0.0/8"])
    channels = InstalledChannels(plugins, services.keys, sessions)
    services = replace(services, channels=channels, sessions=sessions)
    runtime = replace(stage.runtime, services=services, plugins=plugins)
    stage = replace(stage, runtime=runtime, app=create_app(runtime))
    client = await stage.store()
    try:
        with provider() as double:
            async with runtime.database.write() as tx:
                key = await services.keys.sealing_key(tx)
            await install_courier(runtime.database, client.store_id, key, double.url)
            url = (await services.webhook_addresses()).url(client.store_id, "courier")
            yield CourierStage(stage, client, urlsplit(url).path, double)
    finally:
        await runtime.close()


def forged(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with one bit of the signature flipped."""
    flipped = hmac.new(b"", headers["x-signature"].encode(), "sha256").hexdigest()
    return {**headers, "x-signature": flipped}
