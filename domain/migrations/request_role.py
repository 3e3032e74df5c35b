"""The role of requests on PostgreSQL: it owns no table, so that policies apply to it, and has these rights alone."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from sqlalchemy import Connection, text
from sqlalchemy.sql.compiler import IdentifierPreparer

from domain.kit.db.postgres import REQUEST_ROLE, SET_OPTION
from domain.migrations.tables import metadata

_EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"
# What requests may do with a table, where that is less than everything.
EXCEPTIONS: Mapping[str, str] = {
    # Commands alone create stores, and nothing deletes one.
    "stores": "SELECT, UPDATE",
    # Nobody changes an entry, and the scheduler alone deletes one.
    "audit_entries": "SELECT, INSERT",
    # The first request may be what makes the keys. To seal settings with them, requests lock the row, for which
    # PostgreSQL asks the right to update a column.
    "installation": "SELECT, INSERT, UPDATE (id)",
}
_NAMES = (
    f"SELECT {REQUEST_ROLE} AS role, pg_get_userbyid(relowner) AS owner, current_schema() AS schema "  # noqa: S608
    "FROM pg_class WHERE oid = to_regclass('stores') AND pg_has_role(relowner, 'USAGE')"
)
_EXISTS = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)"
# A migration of another database may create the role at the same time.
_CREATE = """
DO $$ BEGIN CREATE ROLE {role} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL; END $$
"""
_MAY_TAKE = f"SELECT pg_has_role(:owner, :role, {SET_OPTION})"
_ADMIT = """
DO $$ BEGIN GRANT {role} TO {owner}; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$
"""
_SEES_SCHEMA = "SELECT has_schema_privilege(:role, :schema, 'USAGE')"
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND oid = to_regclass(quote_ident(relname))"
_SEQUENCES = """
SELECT s.relname FROM pg_class s JOIN pg_depend d ON d.objid = s.oid AND d.deptype = 'a' AND s.relkind = 'S'
JOIN pg_class t ON t.oid = d.refobjid WHERE t.relname = ANY(:tables) AND t.oid = to_regclass(quote_ident(t.relname))
"""


def rights(table: str) -> str:
    """Return what requests may do with the table, as GRANT names it."""
    return EXCEPTIONS.get(table, _EVERYTHING)


def tables_of_stores() -> list[str]:
    """Return the tables whose rows are each a store's, or are the stores: all but those of the installation."""
    return [name for name, table in metadata.tables.items() if name == "stores" or "store_id" in table.c]


def prepare(connection: Connection) -> None:
    """Create the role, unless it is there or may not be created here, and give it its rights on every table.

    `muster doctor` says what an administrator has to do when the role is missing afterwards.
    """
    names = connection.execute(text(_NAMES)).mappings().one_or_none()
    if names is None:
        return
    quoted = {name: _quoted(connection, value) for name, value in names.items()}
    role = {"role": names["role"]}
    if not connection.scalar(text(_EXISTS), role):
        connection.exec_driver_sql(_CREATE.format_map(quoted))
        if not connection.scalar(text(_EXISTS), role):
            return
    if not connection.scalar(text(_MAY_TAKE), role | {"owner": names["owner"]}):
        connection.exec_driver_sql(_ADMIT.format_map(quoted))
    if not connection.scalar(text(_SEES_SCHEMA), role | {"schema": names["schema"]}):
        connection.exec_driver_sql("GRANT USAGE ON SCHEMA {schema} TO {role}".format_map(quoted))
    tables = sorted({*connection.execute(text(_TABLES)).scalars()} & set(metadata.tables), key=rights)
    for granted, group in groupby(tables, rights):
        _grant(connection, granted, list(group), quoted["role"])


def _grant(connection: Connection, granted: str, tables: list[str], role: str) -> None:
    """Give the role these rights on the tables and no others, and their sequences when it may add rows."""
    listed = _listed(connection, tables)
    connection.exec_driver_sql(f"REVOKE ALL ON {listed} FROM {role}")
    connection.exec_driver_sql(f"GRANT {granted} ON {listed} TO {role}")
    if "INSERT" in granted and (sequences := connection.execute(text(_SEQUENCES), {"tables": tables}).scalars().all()):
        connection.exec_driver_sql(f"GRANT USAGE ON SEQUENCE {_listed(connection, sequences)} TO {role}")


def _listed(connection: Connection, names: Iterable[str]) -> str:
    return ", ".join(_quoted(connection, name) for name in names)


def _quoted(connection: Connection, name: str) -> str:
    preparer: IdentifierPreparer = connection.dialect.identifier_preparer
    return preparer.quote_identifier(name)
