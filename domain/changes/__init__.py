"""What has changed of a store's customers: a version that moves with every write, and marks of whom it was about."""

from domain.changes.model import ChangeKind
from domain.changes.queries import (
    AT_ONCE,
    Versions,
    forget,
    record_change,
    record_future_change,
    record_future_changes,
    record_range_change,
    record_store_change,
    versions,
)

__all__ = [
    "AT_ONCE",
    "ChangeKind",
    "Versions",
    "forget",
    "record_change",
    "record_future_change",
    "record_future_changes",
    "record_range_change",
    "record_store_change",
    "versions",
]
