"""The database: connections, transactions, and what differs between SQLite and PostgreSQL."""

from domain.kit.db.engine import AnyRow, Database, JobNotice, Notify, Transaction

__all__ = ["AnyRow", "Database", "JobNotice", "Notify", "Transaction"]
