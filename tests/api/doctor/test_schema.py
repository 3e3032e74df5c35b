"""Tables, columns, keys, indexes and revisions that differ from the code's are found and named (P35)."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, text, update

from api.wiring import Runtime
from domain.customers.tables import customers
from domain.migrations.tables import metadata
from tests.api.doctor.plant import BOTH, result_of, unguarded
from tests.api.doctor.shop import Shop

_POSTGRES = ("postgresql",)
_LISTS_INDEX = "ix_lists_store_id_segment_id_number"


def _create_index(name: str) -> Callable[[Connection], None]:
    index = next(index for table in metadata.tables.values() for index in table.indexes if index.name == name)
    return index.create


def _run(*statements: str) -> Callable[[Connection], None]:
    def run(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    return run


@dataclass(frozen=True, slots=True)
class SchemaPlant:
    """A change of the schema, what the check says of it, and how it is undone: other tests have the database next."""

    check: str
    said: str
    change: Callable[[Connection], None]
    undo: Callable[[Connection], None]
    dialects: Sequence[str] = BOTH


def _twins(connection: Connection) -> None:
    connection.execute(text("DROP INDEX ix_customers_external_id"))
    twin = update(customers).where(customers.c.store_id == 1, customers.c.id == 2)
    connection.execute(twin.values(external_id="c1"))


def _part_twins(connection: Connection) -> None:
    connection.execute(update(customers).values(external_id=None))
    _create_index("ix_customers_external_id")(connection)


PLANTS = {
    "a table is missing": SchemaPlant(
        "tables",
        "1 tables are missing (sandbox_messages)",
        _run("ALTER TABLE sandbox_messages RENAME TO away"),
        _run("ALTER TABLE away RENAME TO sandbox_messages"),
    ),
    "a column is missing": SchemaPlant(
        "tables",
        "1 columns are not as they should be (lists.problem is missing)",
        _run("ALTER TABLE lists DROP COLUMN problem"),
        _run("ALTER TABLE lists ADD COLUMN problem TEXT"),
    ),
    "a column may be null": SchemaPlant(
        "tables",
        "1 columns are not as they should be (lists.name may be null)",
        _run("ALTER TABLE lists ALTER COLUMN name DROP NOT NULL"),
        _run("ALTER TABLE lists ALTER COLUMN name SET NOT NULL"),
        _POSTGRES,
    ),
    "a primary key is missing": SchemaPlant(
        "tables",
        "1 tables have another primary key than they should (value_ranks)",
        _run("ALTER TABLE value_ranks DROP CONSTRAINT pk_value_ranks"),
        _run("ALTER TABLE value_ranks ADD CONSTRAINT pk_value_ranks PRIMARY KEY (store_id, dimension, value)"),
        _POSTGRES,
    ),
    "a foreign key is missing": SchemaPlant(
        "tables",
        "1 foreign keys are missing (lists(store_id, segment_id) -> segments)",
        _run("ALTER TABLE lists DROP CONSTRAINT fk_lists_segments"),
        _run(
            "ALTER TABLE lists ADD CONSTRAINT fk_lists_segments FOREIGN KEY (store_id, segment_id)"
            " REFERENCES segments (store_id, id)"
        ),
        _POSTGRES,
    ),
    "an index is missing": SchemaPlant(
        "indexes",
        f"1 indexes are missing or other than they should be ({_LISTS_INDEX} of lists)",
        _run(f"DROP INDEX {_LISTS_INDEX}"),
        _create_index(_LISTS_INDEX),
    ),
    "an index is not unique": SchemaPlant(
        "indexes",
        f"1 indexes are missing or other than they should be ({_LISTS_INDEX} of lists)",
        _run(f"DROP INDEX {_LISTS_INDEX}", f"CREATE INDEX {_LISTS_INDEX} ON lists (store_id, segment_id, number)"),
        _run(
            f"DROP INDEX {_LISTS_INDEX}",
            f"CREATE UNIQUE INDEX {_LISTS_INDEX} ON lists (store_id, segment_id, number)",
        ),
    ),
    "an index is invalid": SchemaPlant(
        "indexes",
        f"1 indexes are invalid, so that statements do not use them ({_LISTS_INDEX})",
        _run(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{_LISTS_INDEX}'::regclass"),
        _run(f"UPDATE pg_index SET indisvalid = true WHERE indexrelid = '{_LISTS_INDEX}'::regclass"),
        _POSTGRES,
    ),
    "a sequence is behind": SchemaPlant(
        "sequences",
        "1 sequences are behind their columns (stores_id_seq has given 1, stores.id goes to 2)",
        _run("SELECT setval('stores_id_seq', 1)"),
        _run("SELECT setval('stores_id_seq', 2)"),
        _POSTGRES,
    ),
    "a revision that nobody knows": SchemaPlant(
        "revision",
        "the database has the revision '9999', which this release does not know",
        _run("UPDATE alembic_version SET version_num = '9999'"),
        _run("UPDATE alembic_version SET version_num = '{head}'"),
    ),
    "a revision of an earlier release": SchemaPlant(
        "revision",
        "the database has the revision 0001, not {head}",
        _run("UPDATE alembic_version SET version_num = '0001'"),
        _run("UPDATE alembic_version SET version_num = '{head}'"),
    ),
    "no revision": SchemaPlant(
        "revision",
        "the database has the revision none, not {head}",
        _run("DELETE FROM alembic_version"),
        _run("INSERT INTO alembic_version VALUES ('{head}')"),
    ),
    "two customers of one external id": SchemaPlant(
        "customers",
        "1 external ids that several customers have (customer_id=1 other_id=2)",
        _twins,
        _part_twins,
    ),
}


@pytest.mark.parametrize("planted", PLANTS.values(), ids=PLANTS.keys())
async def test_a_schema_that_is_not_the_codes_is_found(
    runtime: Runtime, shop: Shop, database_url: str, planted: SchemaPlant
) -> None:
    if runtime.database.dialect not in planted.dialects:
        return
    assert (await result_of(runtime, planted.check)).findings == []
    async with unguarded(database_url) as connection:
        head = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
        await connection.run_sync(planted.change)
    try:
        result = await result_of(runtime, planted.check)
    finally:
        async with unguarded(database_url) as connection:
            await connection.run_sync(planted.undo)
            await connection.execute(text(f"UPDATE alembic_version SET version_num = '{head}'"))
    assert not result.passed
    assert planted.said.replace("{head}", str(head)) in result.message


async def test_a_page_that_is_broken_is_found(runtime: Runtime, shop: Shop, tmp_path: Path) -> None:
    if runtime.database.dialect != "sqlite":
        return
    assert (await result_of(runtime, "storage")).findings == []
    await runtime.database.close()
    with closing(sqlite3.connect(tmp_path / "muster.db")) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        name = "ix_customers_email"
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", [name]).fetchone()
    break_page(tmp_path / "muster.db", (root - 1) * size)
    result = await result_of(runtime, "storage")
    assert not result.passed
    assert "SQLite: " in result.message or "could not be checked: " in result.message


def break_page(file: Path, place: int) -> None:
    with file.open("r+b") as content:
        content.seek(place)
        content.write(bytes(8))
