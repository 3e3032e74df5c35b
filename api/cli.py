"""The command line."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from api.settings import Settings
    from domain.kit.db import Database

T = TypeVar("T")

FAILED, WRONG, AWAY = 1, 2, 3

app = typer.Typer(
    name="muster",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Gather a shop's customers into segments, and reach them.",
    epilog="Exit status: 0 all went well, 1 something was refused or is not right, 2 a wrong argument or setting, "
    "3 the database does not answer.",
)
store_app = typer.Typer(no_args_is_help=True, help="Stores: the tenants of this server.")
token_app = typer.Typer(no_args_is_help=True, help="Tokens that give access to a store.")
import_app = typer.Typer(
    no_args_is_help=True, help="Bring in CSV files. Rows that are wrong are told, the others go in."
)
app.add_typer(import_app, name="import")
app.add_typer(store_app, name="store")
app.add_typer(token_app, name="token")

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")]
Processes = Annotated[int, typer.Option(min=1, max=256, help="Worker processes.")]
Threads = Annotated[int, typer.Option(min=1, max=64, help="Batches that a process delivers at a time.")]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file with a header.")]
StoreNumber = Annotated[int | None, typer.Option("--store", help="The store's number; the first one when left out.")]


@app.command()
def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Answer requests; without a broker, do the work too."""
    import uvicorn

    from api.app import create_app
    from api.wiring import build

    settings = _settings()
    if settings.database_url.startswith("sqlite"):
        _with_database(settings, _migrate)
    config = uvicorn.Config(
        create_app(build(settings)),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=1 << 20,
        timeout_graceful_shutdown=10,
    )
    typer.echo(f"Muster answers at http://{host}:{port}/graphql (Ctrl-C ends it)", err=True)
    uvicorn.Server(config).run()


@app.command()
def work(processes: Processes = 1, threads: Threads = 4) -> None:
    """Do the work: workers and a scheduler, each started again when it dies."""
    from api.worker_process import command
    from api.workers.supervisor import Child, supervise

    if _settings().embedded:
        raise _CommandFailed("MUSTER_BROKER_URL is not set: `muster serve` does the work by itself then", WRONG)
    workers = [Child(f"worker-{number}", command("worker", threads)) for number in range(1, processes + 1)]
    supervise([*workers, Child("scheduler", command("scheduler", threads))])


@app.command()
def migrate() -> None:
    """Bring the database up to date; an empty one also gets a first store, in UTC."""
    made = _with_database(_settings(), _migrate)
    typer.echo("The database is up to date." + (" Store 1 is there, in UTC." if made else ""))


@app.command()
def schema() -> None:
    """Print the GraphQL schema."""
    from api.graphql.schema import build_schema

    typer.echo(build_schema().as_str())


@store_app.command("create")
def create_store(
    name: Annotated[str, typer.Option(help="The store's name.")],
    timezone: Annotated[str, typer.Option(help="IANA name: the store's days begin at its midnight.")],
    currency: Annotated[str, typer.Option(help="ISO code of its money.")] = "USD",
) -> None:
    """Make a store; its number is alone on the last line."""
    from domain.kit.clock import system_clock
    from domain.stores import model, queries

    async def create(database: "Database") -> int:
        async with database.write() as tx:
            zone = model.check_timezone(timezone)
            return (await queries.create(tx, name.strip(), zone, currency.upper(), system_clock())).id

    typer.echo(_with_database(_settings(), create))


@token_app.command("create")
def create_token(
    scopes: Annotated[str, typer.Option(help="What it may do, by commas: read, write, send, rewards, admin.")],
    store: StoreNumber = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
) -> None:
    """Make a token; it is alone on the last line, and never shown again."""
    from domain.kit.clock import system_clock
    from domain.stores import model
    from domain.stores.queries import add_token

    allowed = model.check_scopes([scope.strip() for scope in scopes.split(",") if scope.strip()])
    token = model.new_token()
    hashed = model.token_hash(token)
    assert hashed is not None

    async def create(database: "Database") -> str:
        chosen = await _store(database, store)
        async with database.write() as tx:
            await add_token(tx, chosen, name, hashed, allowed, system_clock())
        return token

    typer.echo(_with_database(_settings(), create))


@import_app.command("customers")
def import_customers(file: File, store: StoreNumber = None) -> None:
    """Import customers; those that are there are brought up to date."""
    _import("customers", file, store)


@import_app.command("orders")
def import_orders(file: File, store: StoreNumber = None) -> None:
    """Import orders, a line item a row."""
    _import("orders", file, store)


@app.command()
def demo(
    data: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder with customers.csv and orders.csv; else made up."),
    ] = None,
    customers: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many to make up.")] = 3000,
    port: Port = 8000,
    end: Annotated[bool, typer.Option("--exit", help="End after the table; so it does where CI is set.")] = False,
) -> None:
    """Import customers, find some, write to them; then serve, with queries to try."""
    from api import logging
    from api.demo.run import demonstrate, staged
    from api.settings import is_attended

    absent = [name for name in ("customers.csv", "orders.csv") if data and not (data / name).is_file()]
    if absent:
        raise _CommandFailed(f"{data} has no {absent[0]}", WRONG)
    settings = staged(_settings())
    logging.configure(settings.log_format, settings.log_level)
    if not demonstrate(settings, data, customers, port, stay=is_attended() and not end):
        raise typer.Exit(FAILED)


@app.command("plugins")
def show_plugins() -> None:
    """Show what plugins bring, and the plugins that are left out and why."""
    from rich.console import Console
    from rich.table import Table

    from plugins.manager import load

    found = load(_settings().blocked_plugins)
    table = Table("brings", "package", "version", "fault", box=None)
    for key, brought in found.channels.items():
        table.add_row(key, brought.package, brought.version)
    for dimension in found.extensions.dimensions:
        table.add_row(f"dimension {dimension.key}", "", "")
    for behavior in found.extensions.behaviors:
        table.add_row(f"behavior {behavior.event}", "", "")
    for fault in found.faults:
        table.add_row(fault.plugin, fault.package, fault.version, fault.reason)
    Console().print(table)
    if found.faults:
        raise typer.Exit(FAILED)


@app.command()
def doctor() -> None:
    """Check settings, database, broker, channels and what they hold."""
    from rich.console import Console
    from rich.table import Table

    from api import doctor as checks
    from api.wiring import build

    async def examine() -> list[checks.Finding]:
        runtime = build(settings)
        try:
            return await checks.examine(runtime)
        finally:
            await runtime.close()

    settings = _settings()
    findings = asyncio.run(examine())
    table = Table("", "check", "finding", box=None)
    for finding in findings:
        table.add_row("ok" if finding.well else "NO", finding.check, finding.says)
    Console().print(table)
    if not all(finding.well for finding in findings):
        raise typer.Exit(FAILED)


class _CommandFailed(Exception):
    """Ends the command with one line."""

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


def _settings() -> "Settings":
    from api import logging
    from api.settings import Settings

    settings = Settings.from_env()
    logging.configure(settings.log_format, settings.log_level)
    return settings


def _with_database(settings: "Settings", do: "Callable[[Database], Awaitable[T]]") -> T:
    from domain.kit.db import Database

    async def run() -> T:
        database = Database(settings.database_url)
        try:
            return await do(database)
        finally:
            await database.close()

    return asyncio.run(run())


def _import(kind: str, file: Path, number: int | None) -> None:
    from api.import_file import import_file
    from domain.imports.model import ImportKind

    settings = _settings()

    async def run(database: "Database") -> bool:
        return await import_file(database, await _store(database, number), ImportKind(kind), file, settings.clock())

    if not _with_database(settings, run):
        raise typer.Exit(FAILED)


async def _store(database: "Database", number: int | None) -> int:
    from domain.stores import queries

    async with database.read() as tx:
        found = await queries.first(tx) if number is None else await queries.by_id(tx, number)
    if found is None:
        raise _CommandFailed(
            "there is no store yet: run `muster migrate`" if number is None else f"there is no store {number}"
        )
    return found.id


async def _migrate(database: "Database") -> bool:
    """Whether the database was empty and got its first store."""
    from domain.kit.clock import system_clock
    from domain.migrations import migrate as bring_up_to_date
    from domain.stores import queries

    await bring_up_to_date(database)
    async with database.write() as tx:
        if await queries.first(tx) is not None:
            return False
        await queries.create(tx, "My store", "UTC", "USD", system_clock())
        return True


def main() -> None:
    try:
        app()
    except _CommandFailed as refused:
        _end(str(refused), refused.status)
    except Exception as error:  # noqa: BLE001 - what is not known is raised again
        _end(*_said(error))


def _said(error: Exception) -> tuple[str, int]:
    """One line for what the person at the keyboard can mend; a bug keeps its traceback."""
    from api.database_errors import is_away, is_unmigrated
    from api.settings import WrongSetting
    from domain.kit.errors import DomainError

    if isinstance(error, WrongSetting):
        return str(error), WRONG
    if isinstance(error, DomainError):
        return str(error), FAILED
    if is_away(error):
        return f"the database does not answer: {str(getattr(error, 'orig', error)).splitlines()[0]}", AWAY
    if is_unmigrated(error):
        return "the database is not up to date: run `muster migrate`", AWAY
    raise error


def _end(message: str, status: int) -> None:
    typer.echo(f"muster: {message}", err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
