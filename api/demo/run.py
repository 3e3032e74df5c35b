"""Sets the demonstration up: a database of its own, a server, a mail server that keeps nothing, and data."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import sleep

import uvicorn
from rich.console import Console

from api.app import create_app
from api.demo import documents
from api.demo.client import Client, Refused
from api.demo.story import Story, table
from api.settings import IN_PROCESS, Settings
from api.wiring import build
from channels.email.sink.server import SmtpSink
from domain.kit.db import Database
from domain.migrations import migrate
from domain.samples import generate
from domain.stores import queries as stores
from domain.stores.model import TokenScope, new_token, token_hash

DATABASE = Path("demo.db")


def staged(settings: Settings) -> Settings:
    """The same on an empty database of its own, unless one is named, with the workers inside and a quiet log."""
    stage: dict[str, object] = {"broker_url": IN_PROCESS}
    if "database_url" not in settings.model_fields_set:
        for path in Path().glob(f"{DATABASE}*"):
            path.unlink()
        stage["database_url"] = f"sqlite+aiosqlite:///{DATABASE}"
    if "log_level" not in settings.model_fields_set:
        stage["log_level"] = "warning"
    return settings.model_copy(update=stage)


def demonstrate(settings: Settings, data: Path | None, customers: int, port: int, *, stay: bool) -> bool:
    """Run the main job and show what came of it; whether all went well."""
    console = Console()
    token = asyncio.run(_prepare(settings))
    with TemporaryDirectory() as folder, _mail_server() as sink, _server(settings, port) as url:
        people, orders = _files(data, Path(folder), customers, settings.clock()())
        mail: dict[str, object] = {
            "host": "127.0.0.1",
            "port": sink.port,
            "security": "none",
            "fromAddress": "shop@example.com",
        }
        try:
            outcome = Story(Client(url, token), console).tell(people, orders, mail, lambda: sink.count)
        except Refused as error:
            console.print(f"[red]The server refused:[/] {error}")
            return False
        console.print(table(outcome))
        if stay:
            _invite(console, url, token)
            _until_interrupted()
    return outcome.well


def _files(data: Path | None, folder: Path, customers: int, now: datetime) -> tuple[Path, Path]:
    if data is None:
        return generate.write(folder, customers, now)
    return data / "customers.csv", data / "orders.csv"


@contextmanager
def _mail_server() -> Generator[SmtpSink]:
    """Takes every message and only counts it."""
    with SmtpSink() as sink:
        yield sink


async def _prepare(settings: Settings) -> str:
    """An empty, migrated database with one store; its token."""
    database = Database(settings.database_url)
    try:
        await migrate(database)
        now, token = settings.clock()(), new_token()
        hashed = token_hash(token)
        if hashed is None:
            raise AssertionError("a fresh token is well-formed")
        async with database.write() as tx:
            store = await stores.create(tx, "Demo shop", "UTC", "USD", now)
            await stores.add_token(tx, store.id, "demo", hashed, frozenset({TokenScope.ADMIN}), now)
    finally:
        await database.close()
    return token


@contextmanager
def _server(settings: Settings, port: int) -> Generator[str]:
    """The server on a thread of its own; its address."""
    listener = _listen(port)
    config = uvicorn.Config(create_app(build(settings)), log_config=None, access_log=False, server_header=False)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="server")
    thread.start()
    try:
        while not server.started and thread.is_alive():
            sleep(0.05)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _listen(port: int) -> socket.socket:
    """The wished port, or any free one when it is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.bind(("127.0.0.1", 0))
    return listener


def _invite(console: Console, url: str, token: str) -> None:
    console.print(f"\nGraphiQL: [bold]{url}/graphql[/]   token: [bold]{token}[/]\n", soft_wrap=True)
    console.print("Three queries to try there:\n")
    for document in documents.TO_TRY:
        console.print(document + "\n", markup=False, highlight=False, soft_wrap=True)
    console.print("Ctrl-C ends it.")


def _until_interrupted() -> None:
    with suppress(KeyboardInterrupt):
        Event().wait()
