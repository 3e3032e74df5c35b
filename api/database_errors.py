"""Tells an unavailable database from a bug: the first is a 503 and worth a retry, the second a 500."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

RETRY_AFTER_SECONDS = 2

_CONNECTION_ERRORS = (OSError, OperationalError, InterfaceError, PoolTimeout)


def is_unavailable(error: BaseException) -> bool:
    """Return whether the database could not be reached or the connection was lost: the request is worth a retry."""
    if is_unmigrated(error):
        return False
    # An error without a statement is one of connecting.
    if isinstance(error, DBAPIError) and (error.connection_invalidated or error.statement is None):
        return True
    return isinstance(error, _CONNECTION_ERRORS)


def is_unmigrated(error: BaseException) -> bool:
    """Return whether a table is missing because `muster migrate` has not run."""
    if not isinstance(error, OperationalError | ProgrammingError):
        return False
    return "no such table" in str(error.orig) or "UndefinedTable" in str(error.orig)
