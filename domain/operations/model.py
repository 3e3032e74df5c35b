"""What a client sees of work in the background."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class OperationStatus(StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        return self in {OperationStatus.DONE, OperationStatus.FAILED, OperationStatus.CANCELLED}


@dataclass(frozen=True, slots=True)
class OperationFile:
    """`stored`: what it is called where it lies; `name`: what it is called when it is fetched."""

    stored_name: str
    download_name: str


@dataclass(frozen=True, slots=True)
class Operation:
    store_id: int
    id: UUID
    kind: str
    status: OperationStatus
    done: int
    total: int | None
    file: OperationFile | None
    dry_run: bool
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong; `row` is a file's, its header being row 1."""

    row: int | None
    message: str
