"""Changes of a store's data: versions that grow with every write, and marks of the customers that were changed."""

from domain.changes.model import ChangeKind, ChangeMark
from domain.changes.queries import (
    IMMEDIATELY,
    Versions,
    delete_marks,
    due_marks,
    record_change,
    record_future_change,
    record_future_changes,
    record_range_change,
    record_store_change,
    versions,
)

__all__ = [
    "IMMEDIATELY",
    "ChangeKind",
    "ChangeMark",
    "Versions",
    "delete_marks",
    "due_marks",
    "record_change",
    "record_future_change",
    "record_future_changes",
    "record_range_change",
    "record_store_change",
    "versions",
]
