"""Jobs and their queues, how long a lease lasts, and when a job that kills its workers is given up."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

MAX_DEATHS = 3
# Seconds that a worker holds a job; it must have renewed the lease by then.
LEASE_SECONDS = 60.0


class Queue(StrEnum):
    """A queue of jobs; each has workers and connections of its own, so that none starves another."""

    DEFAULT = "default"
    IMPORTS = "imports"
    LISTS = "lists"
    DELIVERIES = "deliveries"
    SEGMENTS = "segments"
    REPORTS = "reports"


class LeaseLost(Exception):
    """Another worker has the job by now: nothing of this transaction may be stored."""


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job. The fence grows with each claim: what an older claim writes is refused."""

    store_id: int
    id: UUID
    queue: Queue
    kind: str
    payload: Mapping[str, object]
    owner: str
    fence: int
