"""Checks of jobs: that a worker can do them, that what they are about is there, and that their leases end."""

from collections.abc import Mapping, Sequence
from itertools import islice
from uuid import UUID

from sqlalchemy import Table, or_, select

from api.doctor.check import CheckScope, DataCheck, Examination, Rows, WrongRows
from api.doctor.findings import Finding, listed
from api.doctor.payloads import StoredJob, stored_jobs
from api.workers.handlers import JOB_KINDS
from domain import jobs
from domain.audiences import sync
from domain.campaigns import launch, mailing
from domain.campaigns.tables import campaigns
from domain.channels import periodic
from domain.deliveries import observation
from domain.deliveries.tables import delivery_batches
from domain.imports.model import ImportKind
from domain.ingestion.favourite_counts import FAVOURITES
from domain.ingestion.order_recount import RECOUNT
from domain.jobs.model import JobStatus
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Transaction
from domain.kit.db.portable import database_later
from domain.lifecycle.actions import SCORE
from domain.lists.build import BUILD, ERASE
from domain.lists.export.job import EXPORT
from domain.memberships.tracking import TRACK
from domain.operations.tables import operations
from domain.privacy import erasure
from domain.privacy import export as person_export
from domain.receipts import fold
from domain.receipts.poll import POLL

_job = job_rows.c
# A lease is a minute, or less until a failed job is tried again.
_FAR_SECONDS = 3600.0
# A delivery that its provider asks for later is due within days.
_LATEST_SECONDS = 90 * 86_400.0
_OPERATION: Mapping[str, Table | None] = {"operation": operations}
# What each kind's payload names; a subject without a table may be gone when the job is done.
SUBJECTS: Mapping[str, Mapping[str, Table | None]] = {
    launch.LAUNCH.name: {"campaign": campaigns},
    mailing.DELIVER.name: {"campaign": campaigns},
    observation.OBSERVE.name: {"campaign": None},
    BUILD.name: {"list": None, **_OPERATION},
    ERASE: {"owner": None},
    TRACK.name: {},
    periodic.WORK.name: {},
    sync.SYNC.name: {},
    fold.KIND: {},
    POLL.name: {},
    EXPORT.name: {"list": None, **_OPERATION},
    SCORE.name: {},
    # One that a migration added has no operation.
    RECOUNT.name: {},
    FAVOURITES.name: {},
    erasure.ERASE.name: _OPERATION,
    person_export.EXPORT.name: _OPERATION,
    **{kind.job: _OPERATION for kind in ImportKind},
}
_AT_ONCE = 500


async def find_expired_leases(tx: Transaction, _: CheckScope) -> Sequence[Finding]:
    counts = (await jobs.count_by_queue(tx)).values()
    open_jobs, expired = sum(count.open for count in counts), sum(count.expired for count in counts)
    return [Finding(f"{expired} of {open_jobs} jobs lost their worker")] if expired else []


async def find_undoable_jobs(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return jobs that no worker can do: their kind is unknown, or their payload does not name what it should."""
    unknown: list[str] = []
    unreadable: list[str] = []
    async for job in stored_jobs(tx, scope.store_id):
        if job.kind not in JOB_KINDS:
            unknown.append(f"id={job.id} {job.kind!r}")
        elif not _is_readable(job):
            unreadable.append(f"id={job.id} {job.kind}")
    return [
        *listed("jobs are of a kind that no worker does", unknown, scope.store_id),
        *listed("jobs have a payload that cannot be read", unreadable, scope.store_id),
    ]


def _is_readable(job: StoredJob) -> bool:
    has_subjects = all(job.subject(key) is not None for key in SUBJECTS.get(job.kind, {}))
    has_batch = job.kind != mailing.DELIVER.name or job.number("batch") is not None
    return job.payload is not None and has_subjects and has_batch


async def find_jobs_about_nothing(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return jobs whose subject is missing, by a statement for some hundred subjects."""
    jobs_by_subject: dict[tuple[str, UUID], StoredJob] = {}
    batch_jobs: dict[tuple[UUID, int], StoredJob] = {}
    async for job in stored_jobs(tx, scope.store_id, SUBJECTS.keys()):
        for key, table in SUBJECTS[job.kind].items():
            subject = job.subject(key)
            if table is not None and subject is not None:
                jobs_by_subject[table.name, subject] = job
                if job.kind == mailing.DELIVER.name and (number := job.number("batch")) is not None:
                    batch_jobs[subject, number] = job
    gone: list[str] = []
    for table in (campaigns, operations):
        subjects = {subject: job for (name, subject), job in jobs_by_subject.items() if name == table.name}
        known = await _known(tx, scope.store_id, table, list(subjects))
        gone += [f"id={job.id} {table.name} {subject}" for subject, job in subjects.items() if subject not in known]
    batches = await _known_batches(tx, scope.store_id, {campaign_id for campaign_id, _ in batch_jobs})
    gone += [
        f"id={job.id} batch {key[1]} of campaign {key[0]}" for key, job in batch_jobs.items() if key not in batches
    ]
    return listed("jobs are about what is missing", sorted(gone), scope.store_id)


async def _known(tx: Transaction, store_id: int, table: Table, ids: Sequence[UUID]) -> set[UUID]:
    known: set[UUID] = set()
    remaining = iter(ids)
    while batch := list(islice(remaining, _AT_ONCE)):
        statement = select(table.c.id).where(table.c.store_id == store_id, table.c.id.in_(batch))
        known |= set((await tx.execute(statement)).scalars())
    return known


async def _known_batches(tx: Transaction, store_id: int, campaign_ids: set[UUID]) -> set[tuple[UUID, int]]:
    known: set[tuple[UUID, int]] = set()
    remaining = iter(campaign_ids)
    batch = delivery_batches.c
    while some := list(islice(remaining, _AT_ONCE)):
        statement = select(batch.campaign_id, batch.number).where(
            batch.store_id == store_id, batch.campaign_id.in_(some)
        )
        known |= {(row.campaign_id, row.number) for row in await tx.execute(statement)}
    return known


def _given_up(scope: CheckScope) -> Rows:
    is_failed = _job.status == JobStatus.FAILED.value
    return select(_job.id, _job.kind).where(_job.store_id == scope.store_id, is_failed)


def _far_leases(scope: CheckScope) -> Rows:
    is_far = _job.lease_until > database_later(_FAR_SECONDS, scope.dialect)
    is_running = _job.status == JobStatus.RUNNING.value
    columns = (_job.id, _job.kind, _job.lease_until)
    return select(*columns).where(_job.store_id == scope.store_id, is_running, or_(is_far, _job.lease_until.is_(None)))


def _never_due(scope: CheckScope) -> Rows:
    is_far = _job.due_at > database_later(_LATEST_SECONDS, scope.dialect)
    is_queued = _job.status == JobStatus.QUEUED.value
    return select(_job.id, _job.kind, _job.due_at).where(_job.store_id == scope.store_id, is_queued, is_far)


def _in_other_queues(scope: CheckScope) -> Rows:
    kinds_by_queue: dict[str, list[str]] = {}
    for kind in JOB_KINDS.values():
        kinds_by_queue.setdefault(kind.queue.value, []).append(kind.name)
    is_wrong = or_(*(_job.kind.in_(kinds) & (_job.queue != queue) for queue, kinds in kinds_by_queue.items()))
    return select(_job.id, _job.kind, _job.queue).where(_job.store_id == scope.store_id, is_wrong)


DATA_CHECKS = (
    DataCheck(
        "jobs",
        "no job has lost its worker",
        "is `muster work` running?",
        [Examination(find_expired_leases, [job_rows])],
    ),
    DataCheck(
        "job rows",
        "workers can do every job, and what it is about is there",
        "look into the log for job_given_up; delete the job that is named when nothing waits for it",
        [
            Examination(find_undoable_jobs, [job_rows]),
            Examination(find_jobs_about_nothing, [job_rows]),
            WrongRows("jobs were given up", _given_up),
            WrongRows("jobs have a lease that does not end within an hour", _far_leases),
            WrongRows("jobs are not due within three months", _never_due),
            WrongRows("jobs are in a queue that is not their kind's", _in_other_queues),
        ],
        each_store=True,
    ),
)
