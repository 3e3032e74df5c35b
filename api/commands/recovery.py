"""Commands for a loss of data: a backup is made before it, and sending goes on when one was restored."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.environment import CommandFailed, ExitStatus, load_settings, record, run_with_database

if TYPE_CHECKING:
    from domain.campaigns.restoration import Marked
    from domain.kit.db import Transaction
    from domain.services import Services

FromBackup = Annotated[
    bool,
    typer.Option(
        "--from-backup",
        help="The database was restored from a backup: leave unknown what may have gone out since, and send the rest.",
    ),
]
Moved = Annotated[
    bool,
    typer.Option("--moved", help="The database was moved or restored whole: nothing was sent since it was copied."),
]

_ONE_OF_TWO = "Give one of them: --from-backup when something may have been sent since, --moved when nothing was"


def resume(from_backup: FromBackup = False, moved: Moved = False) -> None:
    """Have sending go on after the database had lost what it had committed, or was restored, or has moved."""
    from api.wiring import build
    from domain.kit.db import COMMANDS

    if from_backup and moved:
        raise CommandFailed(_ONE_OF_TWO, ExitStatus.INVALID)
    settings = load_settings()

    async def run() -> int:
        runtime = build(settings, COMMANDS)
        try:
            services = runtime.services
            # What goes on without them sends nothing.
            await services.keys.load(services.database)
            return await _resume(services, from_backup=from_backup, moved=moved)
        finally:
            await runtime.close()

    typer.echo(f"{asyncio.run(run())} campaigns go on.")


async def _resume(services: "Services", *, from_backup: bool, moved: bool) -> int:
    from api.transactions import write
    from domain.campaigns import restoration
    from domain.campaigns.queries import resume_all

    if from_backup:
        _report(await restoration.leave_unknown(services))
    if from_backup or moved:
        return await restoration.follow(services, _record_resumed)
    async with services.database.read() as tx:
        problem = await services.continuity.held_everywhere(tx)
    if problem is not None:
        raise CommandFailed(problem)

    async def resume_recorded(tx: "Transaction") -> int:
        resumed = await resume_all(tx)
        await _record_resumed(tx, resumed)
        return sum(resumed.values())

    return await write(services.database, resume_recorded)


async def _record_resumed(tx: "Transaction", resumed: Mapping[int, int]) -> None:
    for store_id, campaigns in resumed.items():
        await record(tx, store_id, "campaignsResume", after={"campaigns": campaigns})


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, which must not exist.", show_default=False)],
) -> None:
    """Copy the SQLite database into a file, while the server runs. PostgreSQL has its own tools: pg_dump."""
    from domain.kit.db.backup import copy_sqlite

    settings = load_settings()
    if settings.sqlite_file() is None:
        raise CommandFailed("The database is PostgreSQL: back it up by pg_dump or pg_basebackup", ExitStatus.INVALID)
    if file.exists():
        raise CommandFailed(f"{file} exists", ExitStatus.INVALID)
    if not file.absolute().parent.is_dir():
        raise CommandFailed(f"{file.parent} is no directory", ExitStatus.INVALID)
    run_with_database(settings, lambda database: copy_sqlite(database, file))
    key = "" if settings.secret_key is not None else " Back up muster.key too, to another place."
    typer.echo(f"The database is in {file}.{key}")


def _report(marked: "Marked") -> None:
    typer.echo(
        f"{marked.campaigns} campaigns were under way: of {marked.told} messages the journals knew, {marked.unknown} "
        f"are UNKNOWN now. {marked.launches} were due: they are not sent, and all their recipients become UNKNOWN."
    )
