"""Every statement on jobs."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Delete,
    Update,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from domain.jobs.model import LEASE_SECONDS, MAX_DEATHS, Job, JobStatus, LeaseLost, Queue
from domain.jobs.tables import jobs
from domain.kit import ids
from domain.kit.db import AnyRow, JobNotice, Transaction
from domain.kit.db.portable import database_later, database_now, insert_into

# Seconds until a job that was given up is queued again, where it is the store's one job of its kind.
_RETRY_SECONDS = 600.0


async def add(
    tx: Transaction,
    store_id: int,
    kind: str,
    payload: Mapping[str, object],
    *,
    queue: Queue = Queue.DEFAULT,
    delay: float = 0,
) -> UUID:
    """Add a job that is due in `delay` seconds. Return its id. Workers are notified when the transaction commits."""
    return (await add_all(tx, store_id, kind, [payload], queue=queue, delay=delay))[0]


async def add_all(
    tx: Transaction,
    store_id: int,
    kind: str,
    payloads: Sequence[Mapping[str, object]],
    *,
    queue: Queue = Queue.DEFAULT,
    delay: float = 0,
) -> list[UUID]:
    """Add a job for each payload; they are due in that order. Return their ids."""
    due_at: datetime = await tx.scalar(select(database_later(delay, tx.dialect)))
    # Ids of one millisecond are in no order, and of jobs that are due at one moment the ids decide.
    job_ids = sorted(ids.new() for _ in payloads)
    rows = [
        {
            "store_id": store_id,
            "id": job_id,
            "queue": queue.value,
            "kind": kind,
            "payload": payload,
            "status": JobStatus.QUEUED.value,
            "due_at": due_at,
            "fence": 0,
            "deaths": 0,
            "created_at": due_at,
        }
        for job_id, payload in zip(job_ids, payloads, strict=True)
    ]
    if not rows:
        return []
    await tx.execute(insert(jobs), rows)
    if delay <= 0:
        tx.notices += [JobNotice(queue.value, store_id, job_id) for job_id in job_ids]
    return job_ids


async def add_once(
    tx: Transaction, store_id: int, kind: str, *, queue: Queue = Queue.DEFAULT, about: Mapping[str, str] | None = None
) -> None:
    """Add the store's one job of a kind unless it has it; one that was given up is queued again after a while.

    With a payload `about` something, the store has one job of the kind for each of these.
    """
    job_id = ids.singleton(store_id, ":".join((kind, *(about or {}).values())))
    now: datetime = await tx.scalar(select(database_now(tx.dialect)))
    # Bound, for the condition of ON CONFLICT has no clock of its own where a table is spread over several databases.
    retried_from = now - timedelta(seconds=_RETRY_SECONDS)
    statement = insert_into(jobs, tx.dialect).values(
        store_id=store_id,
        id=job_id,
        queue=queue.value,
        kind=kind,
        payload=about or {},
        status=JobStatus.QUEUED.value,
        due_at=now,
        fence=0,
        deaths=0,
        created_at=now,
    )
    given_up = and_(jobs.c.status == JobStatus.FAILED, jobs.c.lease_until < retried_from)
    queued = await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["store_id", "id"],
            set_={"status": JobStatus.QUEUED.value, "due_at": now, "deaths": 0},
            where=given_up,
        )
    )
    if queued.rowcount:
        tx.notices.append(JobNotice(queue.value, store_id, job_id))


async def claim(tx: Transaction, store_id: int, job_id: UUID, owner: str, lease: float = LEASE_SECONDS) -> Job | None:
    """Lease the job for `lease` seconds. Return None when it is not due, or when another worker has it."""
    key = {"store": store_id, "job": job_id, "new_owner": owner}
    row = (await tx.execute(_claim(lease, tx.dialect), key)).one_or_none()
    return None if row is None else _job(row, owner)


@cache
def _claim(lease: float, dialect: str) -> ReturningUpdate[*tuple[Any, ...]]:
    return (
        update(jobs)
        .where(jobs.c.store_id == bindparam("store"), jobs.c.id == bindparam("job"), _is_due(dialect))
        .values(
            status=JobStatus.RUNNING.value,
            owner=bindparam("new_owner"),
            fence=jobs.c.fence + 1,
            deaths=jobs.c.deaths + case((jobs.c.status == JobStatus.RUNNING, 1), else_=0),
            lease_until=database_later(lease, dialect),
        )
        .returning(jobs)
    )


async def renew(tx: Transaction, job: Job, lease: float = LEASE_SECONDS, *, progressed: bool = False) -> None:
    """Hold the job for `lease` more seconds. Raise LeaseLost when another worker has it by now.

    A job that progresses is not the one that kills its workers: their deaths so far are forgiven.
    """
    renewed = await tx.execute(_renewal(lease, tx.dialect, progressed=progressed), _key(job))
    _check_held(renewed.rowcount)


@cache
def _renewal(lease: float, dialect: str, *, progressed: bool) -> Update:
    values: dict[str, object] = {"lease_until": database_later(lease, dialect)}
    if progressed:
        values["deaths"] = 0
    return update(jobs).where(_is_held()).values(values)


async def extend(tx: Transaction, held: Sequence[Job], lease: float = LEASE_SECONDS) -> list[Job]:
    """Hold these jobs for `lease` more seconds. Return those that are held: other workers have the rest by now."""
    keys = [(job.store_id, job.id, job.fence) for job in held]
    rows = await tx.execute(
        update(jobs)
        .where(tuple_(jobs.c.store_id, jobs.c.id, jobs.c.fence).in_(keys))
        .values(lease_until=database_later(lease, tx.dialect))
        .returning(jobs.c.store_id, jobs.c.id, jobs.c.fence)
    )
    extended = {(row.store_id, row.id, row.fence) for row in rows}
    return [job for job in held if (job.store_id, job.id, job.fence) in extended]


async def finish(tx: Transaction, job: Job) -> None:
    """Delete the job, which is done. Raise LeaseLost when another worker has it by now."""
    _check_held((await tx.execute(_finish(), _key(job))).rowcount)


@cache
def _finish() -> Delete:
    return delete(jobs).where(_is_held())


async def release(tx: Transaction, job: Job, *, delay: float, error: str | None = None) -> None:
    """End the lease; the job is due again in `delay` seconds. Raise LeaseLost when another worker has it by now."""
    due_at = database_later(delay, tx.dialect)
    changed = await tx.execute(
        update(jobs)
        .where(_is_held())
        .values(status=JobStatus.QUEUED.value, due_at=due_at, lease_until=None, owner=None, error=error),
        _key(job),
    )
    _check_held(changed.rowcount)
    if delay <= 0:
        tx.notices.append(JobNotice(job.queue.value, job.store_id, job.id))


async def fail(tx: Transaction, job: Job, *, delay: float, error: str) -> None:
    """Have the job tried again in `delay` seconds, after its handler failed; that counts as a death of its worker.

    Raise LeaseLost when another worker has it by now.
    """
    until = database_later(delay, tx.dialect)
    changed = await tx.execute(update(jobs).where(_is_held()).values(lease_until=until, error=error), _key(job))
    _check_held(changed.rowcount)


async def due(tx: Transaction, limit: int, queue: Queue | None = None) -> list[JobNotice]:
    """Return up to `limit` jobs that are due and nobody works on: no worker was notified, or the worker died."""
    rows = await tx.execute(
        select(jobs.c.queue, jobs.c.store_id, jobs.c.id)
        .where(jobs.c.queue == queue.value if queue else true(), _is_due(tx.dialect))
        .order_by(jobs.c.due_at, jobs.c.store_id, jobs.c.id)
        .limit(limit)
    )
    return [JobNotice(row.queue, row.store_id, row.id) for row in rows]


async def lease_owners(tx: Transaction) -> list[str]:
    """Return the owners of the leases of all running jobs."""
    return list((await tx.execute(select(jobs.c.owner).where(jobs.c.status == JobStatus.RUNNING).distinct())).scalars())


async def expire_leases(tx: Transaction, dead_owners: Sequence[str]) -> None:
    """End the leases of owners that are known to be dead; the next claim resolves what they were sending."""
    past = database_later(-1, tx.dialect)
    await tx.execute(
        update(jobs).where(jobs.c.status == JobStatus.RUNNING, jobs.c.owner.in_(dead_owners)).values(lease_until=past)
    )


async def killers(tx: Transaction) -> list[JobNotice]:
    """Return the jobs of this release's queues whose workers died again and again."""
    rows = await tx.execute(
        select(jobs.c.queue, jobs.c.store_id, jobs.c.id).where(jobs.c.queue.in_(Queue), _kills_workers(tx.dialect))
    )
    return [JobNotice(row.queue, row.store_id, row.id) for row in rows]


async def quarantine(tx: Transaction, store_id: int, job_id: UUID) -> Job | None:
    """Fail the job whose workers died again and again, and return it; None when it is claimed again or gone."""
    row = (
        await tx.execute(
            update(jobs)
            .where(jobs.c.store_id == store_id, jobs.c.id == job_id, _kills_workers(tx.dialect))
            .values(
                status=JobStatus.FAILED.value,
                # A worker that was taken for dead and comes back finds its lease lost.
                fence=jobs.c.fence + 1,
                error=func.coalesce(jobs.c.error, f"its worker died {MAX_DEATHS + 1} times"),
            )
            .returning(jobs)
        )
    ).one_or_none()
    return None if row is None else _job(row, row.owner)


async def payloads(tx: Transaction, kinds: Sequence[str]) -> list[Mapping[str, object]]:
    """Return the payloads of all stores' jobs of these kinds that wait or run."""
    rows = await tx.execute(select(jobs.c.payload).where(jobs.c.kind.in_(kinds), jobs.c.status != JobStatus.FAILED))
    return list(rows.scalars())


async def replace_errors(tx: Transaction, store_id: int, texts: Collection[str], error: str) -> None:
    """Replace the errors of a store's jobs that hold one of the texts, which are in lower case."""
    holds = or_(false(), *(func.lower(jobs.c.error).contains(text, autoescape=True) for text in sorted(texts)))
    await tx.execute(update(jobs).where(jobs.c.store_id == store_id, holds).values(error=error))


def _kills_workers(dialect: str) -> ColumnElement[bool]:
    expired = jobs.c.lease_until < database_now(dialect)
    return and_(jobs.c.status == JobStatus.RUNNING, expired, jobs.c.deaths >= MAX_DEATHS)


def _is_due(dialect: str) -> ColumnElement[bool]:
    now = database_now(dialect)
    return or_(
        and_(jobs.c.status == JobStatus.QUEUED, jobs.c.due_at <= now),
        # One that kills its workers is left to be given up.
        and_(jobs.c.status == JobStatus.RUNNING, jobs.c.lease_until < now, jobs.c.deaths < MAX_DEATHS),
    )


def _check_held(changed_rows: int) -> None:
    if not changed_rows:
        raise LeaseLost


def _is_held() -> ColumnElement[bool]:
    """Return the condition that the job of a `_key` is held by its claim."""
    return and_(
        jobs.c.store_id == bindparam("store"), jobs.c.id == bindparam("job"), jobs.c.fence == bindparam("held_fence")
    )


def _key(job: Job) -> dict[str, object]:
    return {"store": job.store_id, "job": job.id, "held_fence": job.fence}


def _job(row: AnyRow, owner: str) -> Job:
    return Job(row.store_id, row.id, Queue(row.queue), row.kind, row.payload, owner, row.fence)
