"""Commands that report on an installation."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.environment import ExitStatus, load_settings

if TYPE_CHECKING:
    from api.doctor import CheckResult


def list_plugins() -> None:
    """List what plugins provide. Those that are left out are listed with the reason."""
    from rich.console import Console
    from rich.table import Table

    from plugins.manager import load

    settings = load_settings()
    plugins = load(settings.blocked_plugins, settings.child_limits())
    table = Table("provides", "package", "version", "grade", "problem", box=None)
    for key, channel in plugins.channels.items():
        table.add_row(key, channel.package, channel.version, (channel.channel.grade or "").lower())
    for dimension in plugins.extensions.dimensions:
        table.add_row(f"dimension {dimension.key}", "", "")
    for behavior in plugins.extensions.behaviors:
        table.add_row(f"behavior {behavior.event}", "", "")
    for observer in plugins.observers.values():
        table.add_row(f"observer {observer.key}", observer.package, observer.version)
    for name, added in plugins.template_filters.items():
        table.add_row(f"filter {name}", added.package, added.version)
    for fault in plugins.faults:
        table.add_row(fault.plugin, fault.package, fault.version, "", fault.reason)
    Console().print(table)
    if plugins.faults:
        raise typer.Exit(ExitStatus.FAILED)


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Write the results as JSON, for machines.")] = False,
) -> None:
    """Check settings, plugins, connections and stored data. It only reads.

    What a check raises is its finding; the others go on.
    """
    from api.doctor import run_checks
    from api.doctor.configuration import with_key
    from api.doctor.report import print_json, print_table
    from api.wiring import build
    from domain.kit.db import COMMANDS

    settings = with_key(load_settings())

    async def run() -> "list[CheckResult]":
        runtime = build(settings, COMMANDS)
        try:
            return await run_checks(runtime)
        finally:
            await runtime.close()

    results = asyncio.run(run())
    (print_json if json else print_table)(results)
    if not all(result.passed for result in results):
        raise typer.Exit(ExitStatus.FAILED)
