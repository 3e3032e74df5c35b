"""Commands on the secret key: it is rotated while the server runs, or replaced when it is lost."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.environment import CommandFailed, ExitStatus, load_settings, run_with_database

if TYPE_CHECKING:
    from domain.installation.actions import Resealed
    from domain.kit.db import Database

Confirmed = Annotated[bool, typer.Option("--yes", help="Do it without being asked.")]


def rotate() -> None:
    """Put a new key in the place of `muster.key`, and seal everything with it. The server may run meanwhile."""
    from api import key_files
    from domain.installation.actions import reseal
    from domain.installation.keys import InstallationKeys
    from domain.kit.secret_keys import sealed_prefix
    from domain.stores import sealed_settings

    settings = load_settings()
    if settings.secret_key is not None:
        raise CommandFailed(
            "MUSTER_SECRET_KEY is set. Give all processes a new one, and the old one as MUSTER_PREVIOUS_SECRET_KEY; "
            "then run `muster key reseal`",
            ExitStatus.INVALID,
        )
    keys = InstallationKeys(settings.secret_keys())
    pair = keys.secret_keys.pair

    async def replace(database: "Database") -> "Resealed":
        await keys.load(database)
        if pair.previous is not None:
            async with database.write() as tx:
                pending = await keys.sealing_key(tx) != pair.current
                pending = pending or bool(await sealed_settings.count(tx, unlike=sealed_prefix(pair.current)))
            if pending:
                raise CommandFailed("The last rotation has not ended: run `muster key reseal` first")
        key_files.replace(pair.current)
        return await reseal(database, InstallationKeys(settings.secret_keys()))

    _report(run_with_database(settings, replace))


def reseal() -> None:
    """Seal everything with the present key. Run it when every process was started with it and the previous one."""
    from domain.installation import actions
    from domain.installation.keys import InstallationKeys

    settings = load_settings()
    keys = InstallationKeys(settings.secret_keys())
    _report(run_with_database(settings, lambda database: actions.reseal(database, keys)))


def replace_lost(confirmed: Confirmed = False) -> None:
    """Begin with the present key, because the one before is lost.

    Links in messages that were sent stop working, people who unsubscribe by them do not get through, what was hashed
    with the lasting key is not recognised any more, and channels have to be configured anew.
    """
    from api.transactions import write
    from domain.installation.keys import InstallationKeys
    from domain.installation.model import WrongSecretKey

    settings = load_settings()
    keys = InstallationKeys(settings.secret_keys())

    async def replace(database: "Database") -> bool:
        try:
            await keys.load(database)
        except WrongSecretKey:
            if not (confirmed or typer.confirm("All links that were sent stop working for good. Is the key lost?")):
                raise CommandFailed("Nothing was changed") from None
            await write(database, keys.replace)
            return True
        return False

    replaced = run_with_database(settings, replace)
    typer.echo(
        "The installation has new keys. Configure its channels anew." if replaced else "The key fits: nothing is lost."
    )


def _report(resealed: "Resealed") -> None:
    typer.echo(f"The settings of {resealed.settings} channels were sealed anew, and the lasting keys.")
    if resealed.unknown:
        raise CommandFailed(f"The settings of {resealed.unknown} channels open with no key: `muster doctor` names them")
