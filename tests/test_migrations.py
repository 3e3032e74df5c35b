"""The migrations make the tables that the code declares, from nothing, on both databases, and take them away again."""

from collections.abc import AsyncIterator

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from domain.kit.db import Database
from domain.migrations import configuration, is_current, migrate
from domain.migrations.tables import metadata


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Database]:
    opened = Database(empty_url)
    yield opened
    await opened.close()


def check(connection: Connection) -> None:
    command.check(configuration(connection))


def downgrade(connection: Connection) -> None:
    command.downgrade(configuration(connection), "base")


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names()) - {"alembic_version"}


async def test_from_nothing_to_what_the_code_declares_and_back(empty: Database) -> None:
    assert not await is_current(empty)
    await migrate(empty)
    assert await is_current(empty)
    async with empty.engine.begin() as connection:
        assert await connection.run_sync(tables) == set(metadata.tables)
        # Raises when a migration would have something left to do.
        await connection.run_sync(check)
        await connection.run_sync(downgrade)
        assert await connection.run_sync(tables) == set()
    await migrate(empty)
    await migrate(empty)
    assert await is_current(empty)


def test_the_way_has_no_branches() -> None:
    assert len(ScriptDirectory.from_config(configuration()).get_heads()) == 1


def test_every_table_is_a_stores_and_begins_with_it() -> None:
    keys = {name: [column.name for column in table.primary_key] for name, table in metadata.tables.items()}
    assert {name: key for name, key in keys.items() if key[:1] != ["store_id"]} == {"stores": ["id"]}
