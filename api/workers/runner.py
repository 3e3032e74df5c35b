"""One job from claim to outcome: leased, kept alive while its handler runs, finished or given back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from uuid import UUID

import structlog
from muster_sdk import Templates
from sqlalchemy.exc import SQLAlchemyError

from api import metrics
from domain import jobs
from domain.consents.links import UnsubscribeLinks
from domain.deliveries.channels import FindChannel, Office
from domain.jobs import LEASE_SECONDS, Job, LeaseLost
from domain.kit.clock import Clock
from domain.kit.db import Database, Transaction
from domain.operations.files import Files
from domain.segments.catalogue import Extensions

log = structlog.get_logger(__name__)

HEARTBEAT = 15.0
# Seconds until a handler that broke gets another try; `jobs.sweep` gives up after a few.
RETRY_AFTER = 10.0


@dataclass(slots=True)
class JobContext:
    """A claimed job, and what its handler works with."""

    job: Job
    office: Office
    files: Files
    extensions: Extensions
    lost: bool = False

    def still_mine(self) -> bool:
        """Whether the lease was held when it was last renewed: worth a look before what cannot be undone."""
        return not self.lost


Run = Callable[[JobContext], Awaitable[None]]
GiveUp = Callable[[Transaction, Job, datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Handler:
    """How a kind of job is done, and what is written when it is given up after its workers died again and again.

    A handler ends its job itself, by `jobs.finish` or `jobs.release` in the transaction with what it did; a job whose
    handler returns without is done again when its lease has run out.
    """

    run: Run
    give_up: GiveUp | None = None
    time_limit: float = 3600


Handlers = Mapping[str, Handler]


@dataclass(frozen=True, slots=True)
class Tools:
    """What handlers work with, whatever the job and whichever the connections."""

    clock: Clock
    templates: Templates
    links: UnsubscribeLinks
    find_channel: FindChannel
    files: Files
    extensions: Extensions
    handlers: Handlers

    def office(self, database: Database) -> Office:
        return Office(database, self.clock, self.templates, self.links, self.find_channel)


async def work(database: Database, tools: Tools, owner: str, store_id: int, job_id: UUID) -> None:
    """Do the job if it is due and nobody has it; a message that came twice finds nothing to do."""
    async with database.write() as tx:
        job = await jobs.claim(tx, store_id, job_id, owner)
    if job is None:
        return
    context = JobContext(job, tools.office(database), tools.files, tools.extensions)
    began = monotonic()
    outcome = await _outcome(context, tools.handlers)
    seconds = monotonic() - began
    metrics.job_done(job.kind, outcome, seconds)
    log.info("job", kind=job.kind, job=str(job.id), store=job.store_id, outcome=outcome, seconds=round(seconds, 3))


async def _outcome(context: JobContext, handlers: Handlers) -> str:
    """How the job ended. What a handler raises is a bug or a fault of the machinery: its rules are its own to catch."""
    try:
        await _run(context, handlers[context.job.kind])
    except LeaseLost:
        return "lost"
    except asyncio.CancelledError:
        if context.lost:
            return "lost"
        await _give_back(context)
        return "stopped"
    except Exception as error:  # a worker outlives whatever a handler raises
        log.exception("job_failed", kind=context.job.kind, job=str(context.job.id))
        await _fail(context, error)
        return "broke"
    return "done"


async def _run(context: JobContext, handler: Handler) -> None:
    task = asyncio.ensure_future(handler.run(context))
    heart = asyncio.create_task(_beat(context, task))
    try:
        async with asyncio.timeout(handler.time_limit):
            await task
    finally:
        heart.cancel()


async def _beat(context: JobContext, task: asyncio.Future[None]) -> None:
    """Hold the lease while the handler runs; when it is lost, so is the handler."""
    held_until = monotonic() + LEASE_SECONDS
    while monotonic() < held_until:
        await asyncio.sleep(HEARTBEAT)
        try:
            async with context.office.database.write() as tx:
                await jobs.renew(tx, context.job)
        except LeaseLost:
            break
        except (SQLAlchemyError, OSError) as error:
            log.warning("heartbeat_failed", job=str(context.job.id), error=type(error).__name__)
            continue
        held_until = monotonic() + LEASE_SECONDS
    context.lost = True
    task.cancel()


async def _give_back(context: JobContext) -> None:
    with suppress(LeaseLost):
        async with context.office.database.write() as tx:
            await jobs.release(tx, context.job, delay=0)


async def _fail(context: JobContext, error: Exception) -> None:
    """Kept short of the traceback, which is in the log; where the database is away, the lease runs out by itself."""
    try:
        async with context.office.database.write() as tx:
            await jobs.fail(tx, context.job, delay=RETRY_AFTER, error=type(error).__name__)
    except LeaseLost:
        return
    except (SQLAlchemyError, OSError) as fault:
        log.warning("job_not_released", job=str(context.job.id), error=type(fault).__name__)
