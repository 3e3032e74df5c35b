"""The command that shows the main workflow."""

from pathlib import Path
from typing import Annotated

import typer

from api.commands.environment import CommandFailed, ExitStatus, load_settings
from api.commands.server import Port


def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="Folder with files to import: your own, or the exports of a shop."
        ),
    ] = None,
    customers: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Customers to generate when no folder is given.")
    ] = 3000,
    port: Port = 8000,
    end: Annotated[bool, typer.Option("--exit", help="Exit after the results, as where CI is set.")] = False,
) -> None:
    """Show the main workflow on sample data.

    It imports customers and orders, sends a campaign to a segment, then serves GraphiQL with queries to try.
    """
    from api import logging
    from api.demo.data_files import files_in
    from api.demo.run import demo_settings, run_demo
    from api.settings import is_attended
    from domain.imports.model import ImportKind

    files = files_in(data) if data else ()
    if data and not any(file.kind is ImportKind.CUSTOMERS for file in files):
        raise CommandFailed(f"{data} has no file of customers: CSV files with a header", ExitStatus.INVALID)
    settings = demo_settings(load_settings())
    logging.configure(settings.log_format, settings.log_level)
    if not run_demo(settings, files, customers, port, stay=is_attended() and not end):
        raise typer.Exit(ExitStatus.FAILED)
