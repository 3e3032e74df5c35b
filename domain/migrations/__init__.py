"""The database's way from empty to current, and how far along it is."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from domain.kit.db import Database


async def migrate(database: Database, revision: str = "head") -> None:
    """Bring the database up to a revision; a second process waits, then finds nothing to do."""
    async with database.engine.begin() as connection:
        await connection.run_sync(_upgrade, revision)


async def is_current(database: Database) -> bool:
    async with database.read() as tx:
        found = await tx.connection.run_sync(_revision)
    return found == ScriptDirectory.from_config(configuration()).get_current_head()


def configuration(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "domain:migrations")
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, revision: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(5575657)")
        # Whoever waits for a table's lock makes all others wait behind it: better to fail, and to be run again.
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
    command.upgrade(configuration(connection), revision)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
