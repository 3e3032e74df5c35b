"""Commands that run Muster: its server, its workers and its migrations."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.environment import (
    CommandFailed,
    ExitStatus,
    load_settings,
    migrate_database,
    run_with_database,
)

if TYPE_CHECKING:
    pass

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")]
Processes = Annotated[int, typer.Option(min=1, max=256, help="Number of worker processes.")]
Threads = Annotated[int, typer.Option(min=1, max=64, help="Batches that each process delivers at the same time.")]


def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the API. Without a broker, also run the workers and the scheduler."""
    from api.app import create_app
    from api.http.listener import Listener
    from api.wiring import build
    from domain.kit.db import REQUESTS

    settings = load_settings()
    if settings.database_url.startswith("sqlite"):
        run_with_database(settings, migrate_database)
    app = create_app(build(settings, REQUESTS))
    typer.echo(f"Muster is serving http://{host}:{port}/graphql (press Ctrl-C to stop)", err=True)
    Listener(app, app.state.end_streams, host=host, port=port, trusted_proxies=settings.trusted_proxies).run()


def work(processes: Processes = 1, threads: Threads = 4) -> None:
    """Run workers and a scheduler. Those that die are restarted."""
    from api.worker_process import command
    from api.workers.supervisor import Child, supervise

    if load_settings().embedded:
        raise CommandFailed("MUSTER_BROKER_URL is not set: `muster serve` does the work then", ExitStatus.INVALID)
    workers = [Child(f"worker-{number}", command("worker", threads)) for number in range(1, processes + 1)]
    supervise([*workers, Child("scheduler", command("scheduler", threads))])


def migrate() -> None:
    """Migrate the database to this version. An empty one gets a first store, in UTC."""
    was_empty = run_with_database(load_settings(), migrate_database)
    typer.echo("The database is up to date." + (" Store 1 was created, in UTC." if was_empty else ""))


def schema() -> None:
    """Print the GraphQL schema."""
    from api.graphql.schema import build_schema

    typer.echo(build_schema().as_str())
