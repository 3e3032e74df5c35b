"""Jobs that wait or run, and what they are to do, for those who change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update

from domain.jobs.model import JobStatus
from domain.jobs.tables import jobs
from domain.kit.db import Transaction


@dataclass(frozen=True, slots=True)
class OpenJob:
    """A job that waits or runs."""

    store_id: int
    job_id: UUID
    payload: Mapping[str, object]


async def open_of_kind(tx: Transaction, kind: str) -> list[OpenJob]:
    """Return all stores' jobs of the kind that wait or run."""
    rows = await tx.execute(
        select(jobs.c.store_id, jobs.c.id, jobs.c.payload).where(jobs.c.kind == kind, jobs.c.status != JobStatus.FAILED)
    )
    return [OpenJob(row.store_id, row.id, row.payload) for row in rows]


async def replace_payload(tx: Transaction, store_id: int, job_id: UUID, payload: Mapping[str, object]) -> None:
    """Have the next claim of the job do what this payload says."""
    is_it = jobs.c.store_id == store_id, jobs.c.id == job_id
    await tx.execute(update(jobs).where(*is_it).values(payload=payload))
