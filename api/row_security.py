"""Says whether row-level security holds in this database: whose rows requests see, and why not those alone."""

from dataclasses import dataclass

from sqlalchemy import text

from domain.kit.db import AnyRow, Transaction
from domain.kit.db.postgres import REQUEST_ROLE, SET_OPTION
from domain.migrations.request_role import tables_of_stores
from domain.migrations.tables import metadata

# `may_take` is NULL where the role is missing.
_ROLES = f"""
WITH names AS (
    SELECT current_user AS name, {REQUEST_ROLE} AS role, relowner, row_security_active(oid) AS is_subject
    FROM pg_class WHERE oid = to_regclass('stores')
)
SELECT name, role, pg_get_userbyid(relowner) AS owner, is_subject,
    quote_ident(name) AS user_id, quote_ident(role) AS role_id, quote_ident(pg_get_userbyid(relowner)) AS owner_id,
    pg_has_role(session_user, roles.oid, {SET_OPTION}) AS may_take,
    roles.rolsuper OR roles.rolbypassrls OR roles.rolcanlogin OR pg_has_role(roles.oid, relowner, 'MEMBER')
        AS has_more,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser
FROM names LEFT JOIN pg_roles AS roles ON roles.rolname = names.role
"""  # noqa: S608
_OPEN_TABLES = """
SELECT relname FROM pg_class
WHERE oid = to_regclass(quote_ident(relname)) AND relname = ANY(:tables) AND NOT (relrowsecurity
    AND ARRAY(SELECT CAST(polname AS text) FROM pg_policy WHERE polrelid = pg_class.oid) = ARRAY['of_store'])
ORDER BY relname
"""
_CLOSED_TABLES = """
SELECT relname FROM pg_class
WHERE oid = to_regclass(quote_ident(relname)) AND relname = ANY(:tables)
    AND NOT has_table_privilege(:role, oid, 'SELECT')
ORDER BY relname
"""


@dataclass(frozen=True, slots=True)
class RowSecurity:
    """Why requests might not see the rows of their store, or not those alone; without a problem, who sees what."""

    problems: list[str]
    message: str = ""
    warning: bool = False


async def row_security(tx: Transaction, *, is_on: bool) -> RowSecurity:
    """Look at the roles, the policies and the rights of the database."""
    if tx.dialect != "postgresql":
        return RowSecurity([], "SQLite has none: Muster's own statements keep stores apart")
    roles = (await tx.execute(text(_ROLES))).one()
    if problem := _role_problem(roles, is_on=is_on):
        return RowSecurity([problem])
    if not is_on:
        return RowSecurity([], "MUSTER_ROW_SECURITY is off: Muster's own statements keep stores apart")
    if problems := await _table_problems(tx, roles.role):
        return RowSecurity(problems)
    if roles.is_superuser:
        message = f"requests run as {roles.role!r}, but Muster's user {roles.name!r} is a superuser: to own is enough"
        return RowSecurity([], message, warning=True)
    return RowSecurity(
        [], f"requests run as {roles.role!r} and see one store; workers and commands, as {roles.name!r}, see all"
    )


def _role_problem(roles: AnyRow, *, is_on: bool) -> str | None:
    if roles.is_subject:
        grant = f"GRANT {roles.owner_id} TO {roles.user_id}"
        return f"Muster's user {roles.name!r} sees no rows, for the tables are of {roles.owner!r}: `{grant}`"
    if not is_on:
        return None
    grant = f"GRANT {roles.role_id} TO {roles.owner_id}"
    if roles.may_take is None:
        return (
            f"MUSTER_ROW_SECURITY is on, but the role {roles.role!r} is missing: have an administrator run "
            f"`CREATE ROLE {roles.role_id} NOLOGIN; {grant}`, then run `muster migrate`"
        )
    if not roles.may_take:
        return (
            f"MUSTER_ROW_SECURITY is on, but {roles.name!r} may not take on the role {roles.role!r}: "
            f"have an administrator run `{grant}`"
        )
    if roles.has_more:
        return (
            f"the role {roles.role!r} is more than requests may be: it must not log in, bypass row security, be a "
            f"superuser or a member of {roles.owner!r}"
        )
    return None


async def _table_problems(tx: Transaction, role: str) -> list[str]:
    parameters = {"tables": list(metadata.tables), "role": role}
    open_tables = (await tx.execute(text(_OPEN_TABLES), {"tables": tables_of_stores()})).scalars().all()
    closed_tables = (await tx.execute(text(_CLOSED_TABLES), parameters)).scalars().all()
    return [
        *(f"the table {name} needs the policy of_store, and no other" for name in open_tables),
        *(f"the role {role!r} has no right to the table {name}: run `muster migrate`" for name in closed_tables),
    ]
