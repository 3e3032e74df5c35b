"""Which function does which kind of job."""

from uuid import UUID

from api.workers.runner import Handler, JobContext
from domain import jobs
from domain.campaigns import launch, sender
from domain.campaigns import queries as campaigns
from domain.imports import runner
from domain.imports.model import ImportKind
from domain.kit.db import Transaction
from domain.lifecycle import actions as lifecycle
from domain.lists import build
from domain.lists.export import job
from domain.memberships import tracking
from domain.memberships.model import TRACK
from domain.operations import queries as operations

# Seconds until members of a list that is gone are looked at again.
_LOOK_AGAIN = 600


async def _launch(context: JobContext) -> None:
    await launch.launch(context.office, context.job)


async def _deliver(context: JobContext) -> None:
    await sender.deliver(context.office, context.job)


async def _build_list(context: JobContext) -> None:
    await build.build(context.office.database, context.job, context.office.clock, context.extensions)


async def _erase_members(context: JobContext) -> None:
    """Not before the campaigns have set out that were preset to the list: they reach who was on it (SL-33)."""
    database, job = context.office.database, context.job
    async with database.write() as tx:
        if build.owner_of(job) in await campaigns.wanted_lists(tx, job.store_id):
            await jobs.release(tx, job, delay=_LOOK_AGAIN)
            return
    await build.erase(database, job)


async def _follow(context: JobContext) -> None:
    await tracking.follow(context.office.database, context.job, context.office.clock, context.extensions)


async def _export(context: JobContext) -> None:
    await job.export(context.office.database, context.job, context.files, context.office.clock, context.extensions)


async def _score(context: JobContext) -> None:
    await lifecycle.score(context.office.database, context.job, context.office.clock)


async def _import(context: JobContext) -> None:
    async def finish(tx: Transaction) -> None:
        operation = await operations.by_id(tx, context.job.store_id, UUID(str(context.job.payload["operation"])))
        if operation is not None and operation.done >= lifecycle.MANY_ROWS and not operation.dry_run:
            await lifecycle.request(tx, context.job.store_id)
        await jobs.finish(tx, context.job)

    await runner.run(context.office.database, context.job, context.office.clock, finish)


HANDLERS = {
    launch.LAUNCH: Handler(_launch, launch.give_up),
    launch.DELIVER: Handler(_deliver, sender.give_up, time_limit=900),
    build.BUILD: Handler(_build_list, build.give_up),
    build.ERASE: Handler(_erase_members),
    TRACK: Handler(_follow),
    job.EXPORT: Handler(_export, job.give_up, time_limit=6 * 3600),
    lifecycle.SCORE: Handler(_score, time_limit=3600),
    ImportKind.CUSTOMERS.job: Handler(_import, runner.give_up, time_limit=6 * 3600),
    ImportKind.ORDERS.job: Handler(_import, runner.give_up, time_limit=6 * 3600),
}

# The jobs whose operations have files.
MAKE_FILES = frozenset({job.EXPORT})
