"""Tells an unavailable database from a bug: the first is a 503 and worth a retry, the second a 500."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

RETRY_AFTER_SECONDS = 2

_CONNECTION_ERRORS = (OSError, OperationalError, InterfaceError, PoolTimeout)
# PostgreSQL's own words for "not now": the connection or its server ends or is full, a lock or a time-out was hit, a
# deadlock was resolved, or the server is a standby by now. Classes of two characters, or single conditions.
_PASSING = ("08", "53", "40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "25006", "25P03")


def is_unavailable(error: BaseException) -> bool:
    """Return whether the database could not be reached or the connection was lost: the request is worth a retry."""
    if is_unmigrated(error):
        return False
    # An error without a statement is one of connecting.
    if isinstance(error, DBAPIError) and (error.connection_invalidated or error.statement is None):
        return True
    if isinstance(error, DBAPIError) and (getattr(error.orig, "sqlstate", None) or "").startswith(_PASSING):
        return True
    return isinstance(error, _CONNECTION_ERRORS)


def is_unmigrated(error: BaseException) -> bool:
    """Return whether a table is missing because `muster migrate` has not run."""
    if not isinstance(error, OperationalError | ProgrammingError):
        return False
    return "no such table" in str(error.orig) or "UndefinedTable" in str(error.orig)
