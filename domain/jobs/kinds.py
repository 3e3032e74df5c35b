"""A kind of job, as its topic exports it and a worker does it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.jobs.model import Job, Queue
from domain.kit.db import Transaction

S_contra = TypeVar("S_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class JobKind(Generic[S_contra]):
    """The way that jobs of one name are done, and what is written when one has killed its workers again and again.

    `run` ends its job itself, by `jobs.finish` or `jobs.release` in the transaction with what it did; a job that `run`
    leaves open is done again when its lease has run out.
    """

    # Stands in the rows of jobs that wait: it never changes.
    name: str
    queue: Queue
    run: Callable[[S_contra, Job], Awaitable[None]]
    give_up: Callable[[Transaction, S_contra, Job], Awaitable[None]] | None = None
    # In seconds.
    time_limit: float = 3600
    # Its payload names an operation, whose unfinished files are not swept up while the job waits or runs.
    makes_files: bool = False
    # Messages go out by it, or follow from it: it waits while it is not known what the database has lost.
    sends: bool = False
