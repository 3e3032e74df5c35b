"""Checks of the database itself: its revision, tables, columns, keys and indexes, and whether its files are sound."""

from collections.abc import Iterator, Sequence
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, case, column, func, inspect, select, text
from sqlalchemy import table as named_table
from sqlalchemy.types import Boolean, Date, Double, LargeBinary, TypeEngine

from api.doctor.check import CheckScope, DataCheck, Examination
from api.doctor.findings import MAX_NAMED, Finding, listed
from domain.kit.db import Transaction
from domain.kit.db.types import Id, Instant, Json, Money
from domain.migrations import configuration
from domain.migrations.tables import metadata

_REVISIONS = "alembic_version"


async def find_wrong_revision(tx: Transaction, _: CheckScope) -> Sequence[Finding]:
    script = ScriptDirectory.from_config(configuration())
    known = {revision.revision for revision in script.walk_revisions()}
    stored = sorted(str(name) for (name,) in await tx.execute(text(f"SELECT version_num FROM {_REVISIONS}")))  # noqa: S608
    head = script.get_current_head()
    if stored == [head]:
        return []
    unknown = [name for name in stored if name not in known]
    if unknown:
        return [Finding(f"the database has the revision {unknown[0]!r}, which this release does not know")]
    return [Finding(f"the database has the revision {' and '.join(stored) or 'none'}, not {head}")]


async def find_missing_tables(tx: Transaction, _: CheckScope) -> Sequence[Finding]:
    return await tx.connection.run_sync(lambda connection: list(_differences(connection)))


def _differences(connection: Connection) -> Iterator[Finding]:
    inspector = inspect(connection)
    stored_columns, stored_keys = inspector.get_multi_columns(), inspector.get_multi_pk_constraint()
    stored_references = inspector.get_multi_foreign_keys()
    stored = {name for _, name in stored_columns}
    yield from listed("tables are missing", sorted(metadata.tables.keys() - stored))
    columns, keys, references = list[str](), list[str](), list[str]()
    for table in (table for name, table in sorted(metadata.tables.items()) if name in stored):
        place = (None, table.name)
        reflected = {column["name"]: column for column in stored_columns[place]}
        for declared in table.columns:
            name = f"{table.name}.{declared.name}"
            if declared.name not in reflected:
                columns.append(f"{name} is missing")
            elif reflected[declared.name]["nullable"] and not declared.nullable:
                columns.append(f"{name} may be null")
        if stored_keys[place]["constrained_columns"] != table.primary_key.columns.keys():
            keys.append(table.name)
        known = {(tuple(key["constrained_columns"]), key["referred_table"]) for key in stored_references[place]}
        references += [
            f"{table.name}({', '.join(key.column_keys)}) -> {key.referred_table.name}"
            for key in sorted(table.foreign_key_constraints, key=lambda key: tuple(key.column_keys))
            if (tuple(key.column_keys), key.referred_table.name) not in known
        ]
    yield from listed("columns are not as they should be", columns)
    yield from listed("tables have another primary key than they should", keys)
    yield from listed("foreign keys are missing", references)


async def find_missing_indexes(tx: Transaction, _: CheckScope) -> Sequence[Finding]:
    missing = await tx.connection.run_sync(lambda connection: list(_missing_indexes(connection)))
    return listed("indexes are missing or other than they should be", missing)


def _missing_indexes(connection: Connection) -> Iterator[str]:
    reflected = inspect(connection).get_multi_indexes()
    for name, table in sorted(metadata.tables.items()):
        stored = {str(index["name"]): index for index in reflected.get((None, name), ())}
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            found = stored.get(str(index.name))
            declared = (bool(index.unique), index.columns.keys())
            if found is None or (bool(found["unique"]), list(found["column_names"])) != declared:
                yield f"{index.name} of {name}"


_INVALID = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND NOT (i.indisvalid AND i.indisready) ORDER BY 1
"""


async def find_invalid_indexes(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    if scope.dialect != "postgresql":
        return []
    names = [str(name) for (name,) in await tx.execute(text(_INVALID))]
    return listed("indexes are invalid, so that statements do not use them", names)


_SEQUENCES = """
SELECT s.relname AS sequence, t.relname AS table_name, a.attname AS column_name
FROM pg_class s JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class t ON t.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
JOIN pg_namespace n ON n.oid = s.relnamespace
WHERE s.relkind = 'S' AND n.nspname = current_schema() ORDER BY 1
"""


async def find_late_sequences(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return the sequences that would give a number that a row has already."""
    if scope.dialect != "postgresql":
        return []
    late: list[str] = []
    for row in (await tx.execute(text(_SEQUENCES))).all():
        numbered = metadata.tables.get(row.table_name)
        if numbered is not None:
            number: Column[int] = numbered.c[str(row.column_name)]
            last = await tx.scalar(select(func.max(number)))
            given = await tx.scalar(select(func.pg_sequence_last_value(func.to_regclass(row.sequence))))
            if last is not None and last > (given or 0):
                late.append(f"{row.sequence} has given {given or 0}, {row.table_name}.{row.column_name} goes to {last}")
    return listed("sequences are behind their columns", late)


async def find_broken_pages(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    if scope.dialect != "sqlite":
        return []
    lines = [str(line) for (line,) in await tx.execute(text(f"PRAGMA integrity_check({MAX_NAMED})"))]
    return [] if lines == ["ok"] else [Finding(f"SQLite: {line}") for line in lines]


async def find_mistyped_values(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return values of another type than their columns', which SQLite alone stores."""
    if scope.dialect != "sqlite":
        return []
    findings: list[Finding] = []
    for table in metadata.sorted_tables:
        columns = {declared.name: _types(declared.type) for declared in table.columns}
        wrong = {name: func.typeof(column(name)).not_in([*types, "null"]) for name, types in columns.items()}
        counts = [func.sum(case((condition, 1), else_=0)).label(name) for name, condition in wrong.items()]
        # By its name alone: nothing of what is read is of the declared types.
        row = (await tx.execute(select(*counts).select_from(named_table(table.name)))).one()
        findings += [
            Finding(f"rows of {table.name} have a {name} that is no {' or '.join(columns[name])}: {count}")
            for name, count in zip(columns, row, strict=True)
            if count
        ]
    return findings


def _types(declared: TypeEngine[Any]) -> tuple[str, ...]:
    match declared:
        case Id() | LargeBinary():
            return ("blob",)
        case Double():
            return ("real", "integer")
        case Instant() | Money() | Boolean():
            return ("integer",)
        case Date() | Json():
            return ("text",)
        case _:
            return ("text",) if issubclass(declared.python_type, str) else ("integer",)


DATA_CHECKS = (
    DataCheck(
        "revision",
        "the database has the newest revision",
        "run `muster migrate` with the newest release that this database has seen",
        [Examination(find_wrong_revision)],
    ),
    DataCheck(
        "tables",
        "tables, columns and keys are those that the code declares",
        "take the table from a backup, or undo what was changed by hand",
        [Examination(find_missing_tables)],
    ),
    DataCheck(
        "indexes",
        "indexes are those that the code declares, and valid",
        "DROP INDEX what is invalid; make it again as domain/*/tables.py declares it, CONCURRENTLY",
        [Examination(find_missing_indexes), Examination(find_invalid_indexes)],
    ),
    DataCheck(
        "sequences",
        "sequences are ahead of their columns",
        "SELECT setval('the sequence', the greatest number)",
        [Examination(find_late_sequences)],
    ),
    DataCheck(
        "storage",
        "the database's file is sound, and values are of their columns' types",
        "stop Muster, and restore the database from a backup",
        [Examination(find_broken_pages), Examination(find_mistyped_values)],
    ),
)
