"""Tells a database that is away from a bug: the first is 503 and worth another try, the second is 500."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

RETRY_AFTER = 2

_AWAY = (OSError, OperationalError, InterfaceError, PoolTimeout)


def is_away(error: BaseException) -> bool:
    """Whether the database could not be reached, or went away: the same request may do well a moment later."""
    if is_unmigrated(error):
        return False
    # Without a statement it is the connecting that failed.
    if isinstance(error, DBAPIError) and (error.connection_invalidated or error.statement is None):
        return True
    return isinstance(error, _AWAY)


def is_unmigrated(error: BaseException) -> bool:
    """Whether a table is missing, because nobody ran `muster migrate`."""
    if not isinstance(error, OperationalError | ProgrammingError):
        return False
    return "no such table" in str(error.orig) or "UndefinedTable" in str(error.orig)
