"""Commands that report on an installation."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.environment import ExitStatus, load_settings

if TYPE_CHECKING:
    from api.doctor import CheckResult


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
