"""What has changed of a store's customers: a version that moves with every write, and marks of whom it was about."""

from domain.changes.model import Kind
from domain.changes.queries import (
    AT_ONCE,
    Versions,
    forget,
    note,
    note_ahead,
    note_all,
    note_range,
    note_when,
    versions,
)

__all__ = [
    "AT_ONCE",
    "Kind",
    "Versions",
    "forget",
    "note",
    "note_ahead",
    "note_all",
    "note_range",
    "note_when",
    "versions",
]
