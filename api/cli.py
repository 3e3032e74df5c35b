"""The command line: its commands, their names, and one line instead of a traceback for what a user can correct."""

import sys

import typer

from api.commands import demo, diagnostics, imports, server, stores
from api.commands.environment import CommandFailed, ExitStatus

app = typer.Typer(
    name="muster",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Segment the customers of an online store and send them campaigns.",
    epilog="Exit status: 0 success, 1 the command failed or a check did not pass, 2 invalid argument or setting, "
    "3 the database is unavailable or not migrated.",
)
import_app = typer.Typer(no_args_is_help=True, help="Import CSV files. Rows with a problem are reported and skipped.")
store_app = typer.Typer(no_args_is_help=True, help="Manage stores, the tenants of this server.")
token_app = typer.Typer(no_args_is_help=True, help="Manage the API tokens of a store.")
app.add_typer(import_app, name="import")
app.add_typer(store_app, name="store")
app.add_typer(token_app, name="token")

app.command()(server.serve)
app.command()(server.work)
app.command()(server.migrate)
app.command()(server.schema)
app.command()(demo.demo)
app.command("plugins")(diagnostics.list_plugins)
app.command()(diagnostics.doctor)
import_app.command("customers")(imports.import_customers)
import_app.command("orders")(imports.import_orders)
store_app.command("create")(stores.create_store)
token_app.command("create")(stores.create_token)


def main() -> None:
    try:
        app()
    except Exception as error:  # noqa: BLE001 - what a user cannot correct is raised again
        failure = error if isinstance(error, CommandFailed) else _failure_for(error)
        typer.echo(f"muster: {failure}", err=True)
        sys.exit(failure.status)


def _failure_for(error: Exception) -> CommandFailed:
    """Return one line for what a user can correct. Raise the error itself when it is a bug."""
    from api.database_errors import is_unavailable, is_unmigrated
    from api.settings import InvalidSetting
    from domain.kit.errors import DomainError

    if isinstance(error, InvalidSetting):
        return CommandFailed(str(error), ExitStatus.INVALID)
    if isinstance(error, DomainError):
        return CommandFailed(str(error))
    if is_unavailable(error):
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        return CommandFailed(f"The database does not answer: {reason}", ExitStatus.UNAVAILABLE)
    if is_unmigrated(error):
        return CommandFailed("The database is not up to date: run `muster migrate`", ExitStatus.UNAVAILABLE)
    raise error


if __name__ == "__main__":
    main()
