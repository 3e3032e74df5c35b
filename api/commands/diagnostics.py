"""Commands that report on an installation."""

import asyncio
from typing import TYPE_CHECKING

import typer

from api.commands.environment import ExitStatus, load_settings

if TYPE_CHECKING:
    from api.doctor import Check


def list_plugins() -> None:
    """List what plugins provide. Those that are left out are listed with the reason."""
    from rich.console import Console
    from rich.table import Table

    from plugins.manager import load

    plugins = load(load_settings().blocked_plugins)
    table = Table("provides", "package", "version", "problem", box=None)
    for key, channel in plugins.channels.items():
        table.add_row(key, channel.package, channel.version)
    for dimension in plugins.extensions.dimensions:
        table.add_row(f"dimension {dimension.key}", "", "")
    for behavior in plugins.extensions.behaviors:
        table.add_row(f"behavior {behavior.event}", "", "")
    for fault in plugins.faults:
        table.add_row(fault.plugin, fault.package, fault.version, fault.reason)
    Console().print(table)
    if plugins.faults:
        raise typer.Exit(ExitStatus.FAILED)


def doctor() -> None:
    """Check settings, plugins, connections and stored data."""
    from rich.console import Console
    from rich.table import Table

    from api.doctor import run_checks
    from api.wiring import build
    from domain.kit.db import COMMANDS

    settings = load_settings()

    async def run() -> "list[Check]":
        runtime = build(settings, COMMANDS)
        try:
            return await run_checks(runtime)
        finally:
            await runtime.close()

    checks = asyncio.run(run())
    table = Table("", "check", "result", box=None)
    for check in checks:
        result = "FAILED" if not check.passed else "warning" if check.warning else "ok"
        table.add_row(result, check.name, check.message)
    Console().print(table)
    if not all(check.passed for check in checks):
        raise typer.Exit(ExitStatus.FAILED)
