"""The database: connections, transactions, and what differs between SQLite and PostgreSQL."""

from domain.db.engine import Database, Doorbell, Ring, Transaction

__all__ = ["Database", "Doorbell", "Ring", "Transaction"]
