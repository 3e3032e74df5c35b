"""Tells clients of faults of the database that a retry may get over."""

import structlog

from domain.kit.db.faults import is_conflict, is_unavailable, is_unmigrated

RETRY_AFTER_SECONDS = 2

log = structlog.get_logger(__name__)


def log_unavailable(error: BaseException, **fields: object) -> str | None:
    """Log a fault that a retry may get over, with the fields, and return what a client may know of it.

    Return None for every other error, of which nothing is logged.
    """
    if is_unmigrated(error):
        log.error("database_not_migrated", **fields)
        return "The database is not up to date yet."
    if is_unavailable(error):
        log.warning("database_unavailable", error=type(error).__name__, **fields)
        return "The database does not answer. Try again in a moment."
    if is_conflict(error):
        log.warning("transaction_conflict", exc_info=error, **fields)
        return "Others changed the same data at the same time. Try again in a moment."
    return None
