"""The database: connections, transactions, and what differs between SQLite and PostgreSQL."""

from domain.kit.db.engine import AnyRow, Database, Doorbell, Ring, Transaction

__all__ = ["AnyRow", "Database", "Doorbell", "Ring", "Transaction"]
