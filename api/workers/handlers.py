"""Which function does which kind of job."""

from uuid import UUID

from api.workers.runner import Handler, JobContext
from domain import jobs
from domain.campaigns import launch as launching
from domain.campaigns import queries as campaigns
from domain.campaigns import sender as sending
from domain.imports import runner as importing
from domain.imports.model import Kind
from domain.jobs import LeaseLost
from domain.kit.db import Transaction
from domain.lifecycle import actions as lifecycle
from domain.lists import build as lists
from domain.lists.export import job as exporting
from domain.memberships import tracking as following
from domain.memberships.model import FOLLOW
from domain.operations import queries as operations

# Seconds until members of a list that is gone are looked at again.
_LOOK_AGAIN = 600


async def _launch(context: JobContext) -> None:
    await launching.launch(context.office, context.job)


async def _deliver(context: JobContext) -> None:
    await sending.deliver(context.office, context.job)


async def _build_list(context: JobContext) -> None:
    await lists.build(context.office.database, context.job, context.office.clock)


async def _erase_members(context: JobContext) -> None:
    """Not before the campaigns have set out that were preset to the list: they reach who was on it (SL-33)."""
    database, job = context.office.database, context.job
    async with database.write() as tx:
        if lists.owner_of(job) in await campaigns.wanted_lists(tx, job.store_id):
            await jobs.release(tx, job, delay=_LOOK_AGAIN)
            return
    await lists.erase(database, job)


async def _follow(context: JobContext) -> None:
    await following.follow(context.office.database, context.job, context.office.clock)


async def _export(context: JobContext) -> None:
    await exporting.export(context.office.database, context.job, context.files, context.office.clock)


async def _score(context: JobContext) -> None:
    await lifecycle.score(context.office.database, context.job, context.office.clock)


async def _import(context: JobContext) -> None:
    async def finish(tx: Transaction) -> None:
        operation = await operations.by_id(tx, context.job.store_id, UUID(str(context.job.payload["operation"])))
        if operation is not None and operation.done >= lifecycle.MANY_ROWS and not operation.dry_run:
            await lifecycle.request(tx, context.job.store_id)
        if not await jobs.finish(tx, context.job):
            raise LeaseLost

    await importing.run(context.office.database, context.job, context.office.clock, finish)


HANDLERS = {
    launching.LAUNCH: Handler(_launch, launching.give_up),
    launching.DELIVER: Handler(_deliver, sending.give_up, time_limit=900),
    lists.BUILD: Handler(_build_list, lists.give_up),
    lists.ERASE: Handler(_erase_members),
    FOLLOW: Handler(_follow),
    exporting.EXPORT: Handler(_export, exporting.give_up, time_limit=6 * 3600),
    lifecycle.SCORE: Handler(_score, time_limit=3600),
    Kind.CUSTOMERS.job: Handler(_import, importing.give_up, time_limit=6 * 3600),
    Kind.ORDERS.job: Handler(_import, importing.give_up, time_limit=6 * 3600),
}

# The jobs whose operations have files.
MAKE_FILES = frozenset({exporting.EXPORT})
