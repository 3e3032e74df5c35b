"""Sets up the demo's database, server, mail server and data, and runs its workflow."""

import asyncio
import socket
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import sleep

from rich.console import Console

from api.app import create_app
from api.demo import documents
from api.demo.client import ApiClient, RequestRefused
from api.demo.data_files import DataFile
from api.demo.workflow import DemoRun
from api.http.listener import Listener
from api.settings import IN_PROCESS, Settings
from api.wiring import build
from channels.email.sink.server import SmtpSink
from domain.imports.model import ImportKind
from domain.kit.db import REQUESTS, Database
from domain.migrations import migrate
from domain.samples import generate
from domain.stores import queries as stores
from domain.stores.actions import create_token
from domain.stores.model import TokenDraft, TokenScope

DATABASE = Path("demo.db")
SINK_HOST = "127.0.0.1"


def demo_settings(settings: Settings) -> Settings:
    """Return settings with the workers inside of the server and, unless they are set, a new database and a quiet log.

    The database and the files of an earlier demo are deleted.
    """
    changes: dict[str, object] = {"broker_url": IN_PROCESS}
    if "database_url" not in settings.model_fields_set:
        for path in Path().glob(f"{DATABASE}*"):
            if path.is_dir():
                rmtree(path)
            else:
                path.unlink()
        changes["database_url"] = f"sqlite+aiosqlite:///{DATABASE}"
    if "private_targets" not in settings.model_fields_set:
        changes["private_targets"] = (SINK_HOST,)
    if "log_level" not in settings.model_fields_set:
        changes["log_level"] = "warning"
    return settings.model_copy(update=changes)


def run_demo(settings: Settings, data: Sequence[DataFile], customers: int, port: int, *, stay: bool) -> bool:
    """Run the demo and print its results; with `stay`, serve until Ctrl-C. Return whether it passed.

    Without files of data, so many customers and their orders are generated.
    """
    console = Console()
    token = asyncio.run(_create_store(settings))
    with TemporaryDirectory() as folder, SmtpSink() as sink, _serve(settings, port) as url:
        if not data:
            paths = generate.write(Path(folder), customers, settings.clock()())
            data = [DataFile(*file) for file in zip((ImportKind.CUSTOMERS, ImportKind.ORDERS), paths, strict=True)]
        mail_settings: dict[str, object] = {
            "host": SINK_HOST,
            "port": sink.port,
            "security": "none",
            "fromAddress": "shop@example.com",
        }
        try:
            demo = DemoRun(ApiClient(url, token), console)
            result = demo.run(data, mail_settings, lambda: sink.count)
        except RequestRefused as error:
            console.print(f"[red]The server refused a request:[/] {error}")
            return False
        console.print(result.table())
        if stay:
            console.print(f"\nGraphiQL: [bold]{url}/graphql[/]   token: [bold]{token}[/]\n", soft_wrap=True)
            console.print("Three queries to try there:\n")
            for document in documents.EXAMPLES:
                console.print(document + "\n", markup=False, highlight=False, soft_wrap=True)
            console.print("Press Ctrl-C to stop.")
            with suppress(KeyboardInterrupt):
                Event().wait()
    return result.passed


async def _create_store(settings: Settings) -> str:
    """Migrate the database and create a store in it; return an admin token for the store."""
    database = Database(settings.database_url, pooler=settings.database_pooler == "transaction")
    try:
        await migrate(database)
        now = settings.clock()()
        async with database.write() as tx:
            store = await stores.create(tx, "Demo shop", "UTC", "USD", now)
            _, token = await create_token(tx, store.id, TokenDraft("demo", frozenset({TokenScope.ADMIN})), now)
    finally:
        await database.close()
    return token


@contextmanager
def _serve(settings: Settings, port: int) -> Generator[str]:
    """Run the server on a thread and yield its URL. When the port is taken, the server gets any free one."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.bind(("127.0.0.1", 0))
    app = create_app(build(settings, REQUESTS))
    server = Listener(app, app.state.end_streams)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="server")
    thread.start()
    try:
        while not server.started and thread.is_alive():
            sleep(0.05)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
