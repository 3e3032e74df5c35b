"""The command line: its commands, their names, and one line instead of a traceback for what a user can correct."""

import sys
from typing import NoReturn

import typer

from api.commands import customers, demo, diagnostics, imports, keys, plugins, recovery, server, stores
from api.commands.environment import CommandFailed, ExitStatus

app = typer.Typer(
    name="muster",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Segment the customers of an online store and send them campaigns.",
    epilog="Exit status: 0 success, 1 the command failed or a check did not pass, 2 invalid argument or setting, "
    "3 the database is unavailable, busy or not migrated.",
)
import_app = typer.Typer(
    no_args_is_help=True, help="Import CSV files and workbooks. Rows with a problem are reported and skipped."
)
store_app = typer.Typer(no_args_is_help=True, help="Manage stores, the tenants of this server.")
token_app = typer.Typer(no_args_is_help=True, help="Manage the API tokens of a store.")
key_app = typer.Typer(no_args_is_help=True, help="Rotate the secret key, which seals all other secrets.")
app.add_typer(import_app, name="import")
app.add_typer(store_app, name="store")
app.add_typer(token_app, name="token")
app.add_typer(key_app, name="key")
plugin_app = typer.Typer()
app.add_typer(plugin_app, name="plugins")
customer_app = typer.Typer(no_args_is_help=True, help="Answer customers who ask what is held of them.")
app.add_typer(customer_app, name="customer")

app.command()(server.serve)
app.command()(server.work)
app.command()(server.migrate)
app.command()(recovery.resume)
app.command()(recovery.backup)
app.command()(server.schema)
app.command()(demo.demo)
app.command()(diagnostics.doctor)
plugin_app.callback(invoke_without_command=True)(plugins.plugins)
plugin_app.command("install")(plugins.install)
plugin_app.command("remove")(plugins.remove)
plugin_app.command("new")(plugins.new)
import_app.command("customers")(imports.import_customers)
import_app.command("orders")(imports.import_orders)
import_app.command("events")(imports.import_events)
store_app.command("create")(stores.create_store)
token_app.command("create")(stores.create_token)
token_app.command("list")(stores.list_tokens)
token_app.command("revoke")(stores.revoke_token)
key_app.command("rotate")(keys.rotate)
key_app.command("reseal")(keys.reseal)
key_app.command("replace-lost")(keys.replace_lost)
customer_app.command("export")(customers.export_customer)


def main() -> None:
    """Run the command. Print one line for an error that a user can correct; raise any other: it is a bug."""
    try:
        app()
    except CommandFailed as failure:
        _exit(str(failure), failure.status)
    except Exception as error:
        from api.settings import InvalidSetting
        from domain.kit.db.faults import is_conflict, is_unavailable, is_unmigrated
        from domain.kit.errors import DomainError

        if isinstance(error, InvalidSetting):
            _exit(str(error), ExitStatus.INVALID)
        if isinstance(error, DomainError):
            _exit(str(error), ExitStatus.FAILED)
        if is_unavailable(error):
            fault = getattr(error, "orig", None) or error
            # PostgreSQL's own words are the cause's; a connection that takes too long has none.
            reason = str(fault.__cause__ or fault).partition("\n")[0] or type(fault).__name__
            _exit(f"The database does not answer: {reason}", ExitStatus.UNAVAILABLE)
        if is_conflict(error):
            _exit("Others changed the same data at the same time: run the command again", ExitStatus.UNAVAILABLE)
        if is_unmigrated(error):
            _exit("The database is not up to date: run `muster migrate`", ExitStatus.UNAVAILABLE)
        raise


def _exit(message: str, status: ExitStatus) -> NoReturn:
    typer.echo(f"muster: {message}", err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
