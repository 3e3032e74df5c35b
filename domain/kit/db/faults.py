"""Tells a database that is unavailable, and a lost race, from a bug: what is worth a retry from what is not."""

from typing import Any

from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# PostgreSQL's codes, or their first characters: connections and resources; a cancelled statement, a shutdown, a lock
# that was not had in time; a server that became a standby; a transaction that idled too long.
_UNAVAILABLE = ("08", "53", "57014", "57P", "55P03", "25006", "25P03")
# A serialization failure, a deadlock, a row that another transaction added or deleted meanwhile.
_CONFLICTS = ("40001", "40P01", "23505", "23503")
_SQLITE_UNAVAILABLE = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_IOERR",
    "SQLITE_FULL",
    "SQLITE_CANTOPEN",
    "SQLITE_READONLY",
    "SQLITE_PROTOCOL",
    "SQLITE_NOMEM",
)
_SQLITE_CONFLICTS = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_FOREIGNKEY")


def is_unavailable(error: BaseException) -> bool:
    """Return whether the database could not be reached, was locked or busy, or the connection was lost."""
    if isinstance(error, OSError):
        # One that names a file is about that file.
        return error.filename is None
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    if is_unmigrated(error) or is_conflict(error):
        return False
    # An error without a statement is one of connecting, or of the end of a transaction.
    if error.connection_invalidated or error.statement is None:
        return True
    return _code(error).startswith(_UNAVAILABLE + _SQLITE_UNAVAILABLE)


def is_conflict(error: BaseException) -> bool:
    """Return whether the transaction lost a race to another one, so that it may succeed when it is run again."""
    return isinstance(error, DBAPIError) and _code(error).startswith(_CONFLICTS + _SQLITE_CONFLICTS)


def is_overflow(error: BaseException) -> bool:
    """Return whether a sum or a product is beyond what the database's numbers hold."""
    if not isinstance(error, DBAPIError):
        return False
    return _code(error) == "22003" or (_code(error) == "SQLITE_ERROR" and str(error.orig) == "integer overflow")


def is_denied(error: BaseException) -> bool:
    """Return whether rights or row security refused a statement: a bug, or a GRANT that is missing."""
    return isinstance(error, DBAPIError) and _code(error) == "42501"


def is_unmigrated(error: BaseException) -> bool:
    """Return whether a table is missing because `muster migrate` has not run."""
    if not isinstance(error, OperationalError | ProgrammingError):
        return False
    return "no such table" in str(error.orig) or "UndefinedTable" in str(error.orig)


def _code(error: DBAPIError) -> str:
    """Return PostgreSQL's SQLSTATE or SQLite's name of the error; "" when there is neither."""
    # Attributes of the drivers' errors, which have no common type.
    cause: Any = error.orig
    code: object = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return code if isinstance(code, str) else ""
