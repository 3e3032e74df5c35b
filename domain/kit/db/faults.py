"""Faults of the database that are no bug: it could not be reached, was busy, or gave way to another transaction."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_CONNECTION_ERRORS = (OSError, OperationalError, InterfaceError, PoolTimeout)
# Serialization failure, deadlock, lock and statement time-outs, idle in a transaction, shutting down, starting up.
_TRANSIENT_STATES = {"40001", "40P01", "55P03", "57014", "25P03", "57P01", "57P02", "57P03", "53300"}


def is_unavailable(error: BaseException) -> bool:
    """Return whether the same transaction may succeed later: the database is away, busy, or broke the connection."""
    if is_unmigrated(error):
        return False
    # An error without a statement is one of connecting.
    if isinstance(error, DBAPIError):
        state: object = getattr(error.orig, "sqlstate", None)
        if error.connection_invalidated or error.statement is None or state in _TRANSIENT_STATES:
            return True
    return isinstance(error, _CONNECTION_ERRORS)


def is_unmigrated(error: BaseException) -> bool:
    """Return whether a table is missing because `muster migrate` has not run."""
    if not isinstance(error, OperationalError | ProgrammingError):
        return False
    return "no such table" in str(error.orig) or "UndefinedTable" in str(error.orig)
