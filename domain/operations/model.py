"""Work in the background as a client sees it: its status, its file, its problems."""

from dataclasses import dataclass, field
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
    """The file that an operation made: its name in the directory, and its name when it is downloaded."""

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
class FileHolder:
    """An operation that has a file, or is not over; whose data its file holds: a list's members', or one customer's."""

    operation_id: UUID
    kind: str
    stored_name: str | None
    list_id: UUID | None
    customer_id: int | None


class ProblemOutcome(StrEnum):
    """The answer of an import to the row or the cell that a problem is about."""

    ROW_REFUSED = "ROW_REFUSED"
    CELL_LEFT_OUT = "CELL_LEFT_OUT"
    NOTICE = "NOTICE"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem that an operation met; `row` is that of an imported file, whose header is row 1.

    `column` is the cell's as the file names it, and `value` what stands there.
    """

    row: int | None
    message: str
    # The keyed hash of whom the row is about, by which the problem is found when that customer is erased.
    subject: bytes | None = field(default=None, compare=False, repr=False)
    column: str | None = None
    value: str | None = None
    outcome: ProblemOutcome | None = None
