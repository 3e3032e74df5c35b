"""Shared by commands: their exit statuses, the settings, and a database for as long as a command runs."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from api.settings import Settings
    from domain.audit.model import Actor
    from domain.kit.db import Database, Transaction
    from domain.stores.model import Store

T = TypeVar("T")

StoreNumber = Annotated[int | None, typer.Option("--store", help="The store's number; by default the first store.")]


class ExitStatus(IntEnum):
    FAILED = 1
    INVALID = 2
    UNAVAILABLE = 3


class CommandFailed(Exception):
    """Ends the command with one line and an exit status."""

    def __init__(self, message: str, status: ExitStatus = ExitStatus.FAILED) -> None:
        super().__init__(message)
        self.status = status


def load_settings() -> "Settings":
    """Return the settings, and configure the logs by them. Raise InvalidSetting."""
    from api import logging
    from api.settings import Settings

    settings = Settings.from_env()
    logging.configure(settings.log_format, settings.log_level)
    return settings


def run_with_database(settings: "Settings", action: "Callable[[Database], Awaitable[T]]") -> T:
    from domain.kit.db import COMMANDS, Database

    async def run() -> T:
        pooler = settings.database_pooler == "transaction"
        database = Database(settings.database_url, limits=COMMANDS, pooler=pooler)
        try:
            return await action(database)
        finally:
            await database.close()

    return asyncio.run(run())


def command_line() -> "Actor":
    """Return the user of this machine, as the audit log names who has run a command."""
    import os
    import pwd

    from domain.audit.model import Actor, ActorKind

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in a container whose user has no name
        name = f"uid {os.getuid()}"
    return Actor(ActorKind.COMMAND_LINE, name)


async def record(tx: "Transaction", store_id: int, action: str, **values: Any) -> None:
    """Record what the command has done, in the transaction that does it; `values` are those of AuditEntry."""
    from domain.audit import queries
    from domain.audit.model import AuditEntry

    await queries.record(tx, store_id, AuditEntry(command_line(), action, **values))


async def record_store(tx: "Transaction", store: "Store") -> None:
    from domain.audit.model import AuditSubject

    values = {"name": store.name, "timezone": store.timezone, "currency": store.currency}
    await record(tx, store.id, "storeCreate", subject=AuditSubject("Store", str(store.id)), after=values)


async def find_store(database: "Database", number: int | None) -> int:
    """Return the number of this store, or of the first one. Raise CommandFailed when there is none."""
    from domain.stores import queries

    async with database.read() as tx:
        store = await queries.first(tx) if number is None else await queries.by_id(tx, number)
    if store is None:
        raise CommandFailed(
            "There is no store yet: run `muster migrate`" if number is None else f"There is no store {number}"
        )
    return store.id


async def migrate_database(database: "Database") -> bool:
    """Migrate the database and create a store in an empty one. Return whether it was empty."""
    from domain.kit.clock import system_clock
    from domain.migrations import migrate
    from domain.stores import queries

    await migrate(database)
    async with database.write() as tx:
        if await queries.first(tx) is not None:
            return False
        store = await queries.create(tx, "My store", "UTC", "USD", system_clock())
        await record_store(tx, store)
        return True
