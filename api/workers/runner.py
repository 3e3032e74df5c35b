"""One job from claim to outcome: leased, kept alive while its handler runs, finished or given back."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api import metrics
from domain import jobs
from domain.jobs import LEASE_SECONDS, Job, JobKind, LeaseLost
from domain.kit.db import Database
from domain.services import Services

log = structlog.get_logger(__name__)

JobKinds = Mapping[str, JobKind[Services]]

HEARTBEAT = 15.0
# Seconds until a handler that broke gets another try; `jobs.sweep` gives up after a few.
RETRY_AFTER = 10.0


async def work(services: Services, kinds: JobKinds, owner: str, store_id: int, job_id: UUID) -> None:
    """Do the job if it is due and nobody has it; a message that came twice finds nothing to do."""
    async with services.database.write() as tx:
        job = await jobs.claim(tx, store_id, job_id, owner)
    if job is None:
        return
    began = monotonic()
    outcome = await _run(services, kinds, job)
    seconds = monotonic() - began
    metrics.job_done(job.kind, outcome, seconds)
    log.info("job", kind=job.kind, job=str(job.id), store=job.store_id, outcome=outcome, seconds=round(seconds, 3))


async def _run(services: Services, kinds: JobKinds, job: Job) -> str:
    """Run the job's handler, and return how it ended.

    Whatever a handler raises is a bug or a fault of the machinery: its rules are its own to catch.
    """
    lease = _Lease(services.database, job)
    try:
        kind = kinds[job.kind]
        handler = asyncio.ensure_future(kind.run(services, job))
        heartbeat = asyncio.create_task(lease.renew_while_running(handler))
        try:
            async with asyncio.timeout(kind.time_limit):
                await handler
        finally:
            heartbeat.cancel()
    except LeaseLost:
        return "lost"
    except asyncio.CancelledError:
        if lease.lost:
            return "lost"
        with suppress(LeaseLost):
            async with services.database.write() as tx:
                await jobs.release(tx, job, delay=0)
        return "stopped"
    except Exception as error:  # a worker outlives whatever a handler raises
        log.exception("job_failed", kind=job.kind, job=str(job.id))
        await _fail(services.database, job, error)
        return "broke"
    return "done"


class _Lease:
    def __init__(self, database: Database, job: Job) -> None:
        self._database, self._job = database, job
        self.lost = False

    async def renew_while_running(self, handler: asyncio.Future[None]) -> None:
        """Hold the lease while the handler runs; when it is lost, so is the handler."""
        held_until = monotonic() + LEASE_SECONDS
        while monotonic() < held_until:
            await asyncio.sleep(HEARTBEAT)
            try:
                async with self._database.write() as tx:
                    await jobs.renew(tx, self._job)
            except LeaseLost:
                break
            except (SQLAlchemyError, OSError) as error:
                log.warning("heartbeat_failed", job=str(self._job.id), error=type(error).__name__)
                continue
            held_until = monotonic() + LEASE_SECONDS
        self.lost = True
        handler.cancel()


async def _fail(database: Database, job: Job, error: Exception) -> None:
    """Have the job tried again later. Where the database is away, its lease runs out by itself."""
    try:
        async with database.write() as tx:
            # Without the message, which may hold a customer's data; the traceback is in the log.
            await jobs.fail(tx, job, delay=RETRY_AFTER, error=type(error).__name__)
    except LeaseLost:
        return
    except (SQLAlchemyError, OSError) as fault:
        log.warning("job_not_released", job=str(job.id), error=type(fault).__name__)
