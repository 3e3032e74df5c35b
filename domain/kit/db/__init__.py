"""The database: connections, transactions, and what differs between SQLite and PostgreSQL."""

from domain.kit.db.engine import AnyRow, Database, JobNotice, Notify, Transaction
from domain.kit.db.time_limits import COMMANDS, JOBS, REQUESTS, TimeLimits

__all__ = ["COMMANDS", "JOBS", "REQUESTS", "AnyRow", "Database", "JobNotice", "Notify", "TimeLimits", "Transaction"]
