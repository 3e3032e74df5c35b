"""Migrations: they bring the database from empty to the newest revision, each in its order."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from domain.kit.db import Database
from domain.migrations import request_role


async def migrate(database: Database, revision: str = "head") -> None:
    """Bring the database up to a revision; a second process waits, then finds nothing to do."""

    def upgrade(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(5575657)")
            # A migration that waits for a table's lock makes all others wait behind it: better to fail and run again.
            connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
        command.upgrade(configuration(connection), revision)
        if connection.dialect.name == "postgresql":
            request_role.prepare(connection)

    async with database.engine.begin() as connection:
        await connection.run_sync(upgrade)


async def is_current(database: Database) -> bool:
    """Return whether the database has the newest revision."""
    async with database.read() as tx:
        revision = await tx.connection.run_sync(
            lambda connection: MigrationContext.configure(connection).get_current_revision()
        )
    return revision == ScriptDirectory.from_config(configuration()).get_current_head()


def configuration(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "domain:migrations")
    config.attributes["connection"] = connection
    return config
