"""The jobs of the installation, counted by queue."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, case, func, select

from domain.jobs.model import JobStatus, Queue
from domain.jobs.tables import jobs
from domain.kit.db import Transaction
from domain.kit.db.portable import database_now
from domain.kit.db.types import Instant


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """Jobs of a queue that wait or run, and those of them whose worker died.

    `waiting` is the time in seconds that the oldest due job has waited, and `held` the number that a worker has.
    """

    open: int
    expired: int
    waiting: float = field(default=0, compare=False)
    held: int = field(default=0, compare=False)


async def count_by_queue(tx: Transaction) -> dict[Queue, QueueCounts]:
    """The counts of every queue that this release has; a later release's own queues wait for its workers."""
    now: datetime = await tx.scalar(select(database_now(tx.dialect)))
    running = jobs.c.status == JobStatus.RUNNING
    expired = and_(running, jobs.c.lease_until < now)
    due_at = case((jobs.c.status == JobStatus.QUEUED, jobs.c.due_at), (expired, jobs.c.lease_until))
    rows = await tx.execute(
        select(
            jobs.c.queue,
            func.count().label("open"),
            func.count().filter(expired).label("expired"),
            func.count().filter(running, ~expired).label("held"),
            func.min(due_at, type_=Instant()).label("due_at"),
        )
        .where(jobs.c.status != JobStatus.FAILED, jobs.c.queue.in_(Queue))
        .group_by(jobs.c.queue)
    )
    counts = {
        Queue(row.queue): QueueCounts(
            row.open, row.expired, max((now - row.due_at).total_seconds(), 0) if row.due_at else 0, row.held
        )
        for row in rows
    }
    return {queue: counts.get(queue, QueueCounts(0, 0)) for queue in Queue}
