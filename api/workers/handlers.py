"""Every kind of job that workers do, joined from the topics that export them."""

from uuid import UUID

from api import metrics
from domain import jobs
from domain.audiences import sync
from domain.campaigns import launch, mailing
from domain.campaigns import queries as campaigns
from domain.channels import periodic
from domain.deliveries import observation
from domain.imports.jobs import import_jobs
from domain.ingestion import favourite_counts, order_recount
from domain.jobs import Job, JobKind
from domain.kit.db import Transaction
from domain.lifecycle import actions as lifecycle
from domain.lists import build
from domain.lists.export import job as list_export
from domain.memberships import tracking
from domain.operations import queries as operations
from domain.privacy import erasure
from domain.privacy import export as person_export
from domain.receipts.fold import fold_job
from domain.receipts.poll import POLL
from domain.services import Services


async def finish_import(tx: Transaction, job: Job) -> None:
    """End an import's job, and have the customers scored anew where it brought many rows."""
    operation = await operations.by_id(tx, job.store_id, UUID(str(job.payload["operation"])))
    if operation is not None and operation.done >= lifecycle.MANY_ROWS and not operation.dry_run:
        await lifecycle.request_scoring(tx, job.store_id)
    await jobs.finish(tx, job)


JOB_KINDS: dict[str, JobKind[Services]] = {
    kind.name: kind
    for kind in (
        launch.LAUNCH,
        mailing.DELIVER,
        observation.OBSERVE,
        build.BUILD,
        build.erase_job(campaigns.wanted_lists),
        tracking.TRACK,
        list_export.EXPORT,
        lifecycle.SCORE,
        erasure.ERASE,
        person_export.EXPORT,
        order_recount.RECOUNT,
        favourite_counts.FAVOURITES,
        fold_job(lambda channel, number: metrics.receipts_dropped.labels(channel).inc(number)),
        POLL,
        *import_jobs(finish_import),
        periodic.WORK,
        sync.SYNC,
    )
}
MAKE_FILES = frozenset(kind.name for kind in JOB_KINDS.values() if kind.makes_files)
