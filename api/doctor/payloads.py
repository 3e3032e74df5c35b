"""Reads the payloads of jobs, as far as they can be read."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

import orjson
from sqlalchemy import Text, select, type_coerce
from sqlalchemy import cast as sql_cast

from domain.jobs.model import JobStatus
from domain.jobs.tables import jobs
from domain.kit.db import Transaction

_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job's row; `payload` is None where it is no JSON object."""

    id: UUID
    kind: str
    status: str
    lease_until: datetime | None
    payload: dict[str, object] | None

    def subject(self, key: str) -> UUID | None:
        """Return the id that the payload has under the key, None when it has none."""
        try:
            return UUID(str((self.payload or {}).get(key)))
        except ValueError:
            return None

    def number(self, key: str) -> int | None:
        value = (self.payload or {}).get(key)
        return value if isinstance(value, int) else None


async def stored_jobs(tx: Transaction, store_id: int, kinds: Collection[str] | None = None) -> AsyncIterator[StoredJob]:
    """Yield the store's jobs, or those of some kinds, a page at a time."""
    job = jobs.c
    # As text: what is no JSON would break the whole page.
    text = sql_cast(job.payload, Text) if tx.dialect == "postgresql" else type_coerce(job.payload, Text)
    columns = (job.id, job.kind, job.status, job.lease_until, text.label("payload_text"))
    statement = select(*columns).where(job.store_id == store_id).order_by(job.id).limit(_PAGE)
    if kinds is not None:
        statement = statement.where(job.kind.in_(sorted(kinds)))
    page = statement
    while rows := (await tx.execute(page)).all():
        for row in rows:
            yield StoredJob(row.id, row.kind, row.status, row.lease_until, _object(row.payload_text))
        page = statement.where(job.id > rows[-1].id)


async def subjects_of(tx: Transaction, store_id: int, kinds: Collection[str], key: str) -> set[UUID]:
    """Return the subjects, under a key of the payload, of the store's jobs of these kinds that wait or run."""
    subjects: set[UUID] = set()
    async for job in stored_jobs(tx, store_id, kinds):
        subject = job.subject(key)
        if subject is not None and job.status != JobStatus.FAILED.value:
            subjects.add(subject)
    return subjects


def _object(text: str) -> dict[str, object] | None:
    try:
        payload: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return cast("dict[str, object]", payload) if isinstance(payload, dict) else None
