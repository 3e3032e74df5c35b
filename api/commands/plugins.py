"""Commands that list, install, remove and begin plugins."""

from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.commands.environment import CommandFailed, ExitStatus, load_settings


class AddressChoice(StrEnum):
    """The kinds of addresses, without the SDK: `--help` is quick."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    HANDLE = "HANDLE"


_RESTART = "Servers and workers that run see it when they are started again."


def plugins(context: typer.Context) -> None:
    """List what plugins provide; install, remove and begin them. Those that are left out are listed with the reason."""
    if context.invoked_subcommand is None:
        _list()


def install(
    plugin: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH|NAME",
            help="A directory or wheel of a plugin, or the name of a package. Without one, all installed plugins are"
            " installed anew, as after an upgrade of Python.",
        ),
    ] = None,
) -> None:
    """Install a plugin into MUSTER_PLUGINS_DIR, or another version of it."""
    from plugins.installation import actions
    from plugins.installation.tools import find_tool

    directory = load_settings().plugins()
    with _mended_by_hand():
        if plugin is None:
            names = actions.reinstall(directory, find_tool())
            typer.echo(f"Installed anew: {', '.join(names) or 'nothing, for there is no plugin'}. {_RESTART}")
        else:
            name = actions.install(directory, find_tool(), plugin)
            typer.echo(f"{name} is installed. {_RESTART}")
    _list()


def remove(name: Annotated[str, typer.Argument(metavar="NAME", help="The plugin's package.")]) -> None:
    """Remove a plugin that was installed by `muster plugins install`, and what it alone needed."""
    from plugins.installation import actions

    with _mended_by_hand():
        actions.remove(load_settings().plugins(), name)
    typer.echo(f"{name} is removed. {_RESTART}")


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The name of the package and of its channel: pigeon-post.")
    ],
    path: Annotated[Path | None, typer.Option(help="The folder to write; by default ./NAME.")] = None,
    label: Annotated[str | None, typer.Option(help="The channel's name for people; by default made of NAME.")] = None,
    address: Annotated[AddressChoice, typer.Option(help="What the channel delivers to.")] = AddressChoice.PHONE,
) -> None:
    """Begin a plugin: write a package with a channel that passes the contract (docs/howto/write-a-channel.md)."""
    from muster_sdk import AddressKind

    from plugins.manager import load
    from plugins.template.render import name_plugin, write_plugin

    settings = load_settings()
    channels = load(settings.blocked_plugins, settings.child_limits()).channels
    folder = (path or Path(name)).absolute()
    with _mended_by_hand():
        write_plugin(name_plugin(name, label, AddressKind(address), channels), folder)
    typer.echo(f"{folder} has the plugin {name}: its README.md says what is where.")


def _list() -> None:
    from rich.console import Console
    from rich.table import Table

    from plugins.manager import load

    settings = load_settings()
    loaded = load(settings.blocked_plugins, settings.child_limits())
    table = Table("provides", "package", "version", "grade", "problem", box=None)
    for key, channel in loaded.channels.items():
        table.add_row(key, channel.package, channel.version, (channel.channel.grade or "").lower())
    for dimension in loaded.extensions.dimensions:
        table.add_row(f"dimension {dimension.key}", "", "")
    for behavior in loaded.extensions.behaviors:
        table.add_row(f"behavior {behavior.event}", "", "")
    for observer in loaded.observers.values():
        table.add_row(f"observer {observer.key}", observer.package, observer.version)
    for name, added in loaded.template_filters.items():
        table.add_row(f"filter {name}", added.package, added.version)
    for fault in loaded.faults:
        table.add_row(fault.plugin, fault.package, fault.version, "", fault.reason)
    Console().print(table)
    if loaded.faults:
        raise typer.Exit(ExitStatus.FAILED)


@contextmanager
def _mended_by_hand() -> Generator[None]:
    """Turn what the file system refuses into a line of text."""
    try:
        yield
    except OSError as error:
        raise CommandFailed(f"{error.filename or 'The plugins directory'}: {error.strerror}") from error
