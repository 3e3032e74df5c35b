"""One job from claim to outcome: leased, finished or given back."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from time import monotonic
from uuid import UUID

import structlog

from api import metrics
from api.workers.leases import LeaseKeeper
from api.workers.watchdog import end_process
from domain import jobs
from domain.jobs import Job, JobKind, LeaseLost
from domain.kit.db import Transaction
from domain.kit.db.faults import is_unavailable
from domain.services import Services
from domain.sessions.session import ChannelBroken

log = structlog.get_logger(__name__)

JobKinds = Mapping[str, JobKind[Services]]

# Seconds until a handler that broke gets another try; `jobs.quarantine` gives up after a few.
RETRY_AFTER = 10.0
# Seconds until a job is tried again for which the database was away: that is no fault of the job.
_AWAY_AFTER = 3.0
# Seconds that a handler past its time has to end itself.
_END_WITHIN = 60.0


class _Held(Exception):
    """Takes a claim back."""


class HandlerEnded(Exception):
    """A handler tried to end the process."""


async def work(
    services: Services, kinds: JobKinds, owner: str, keeper: LeaseKeeper, store_id: int, job_id: UUID
) -> None:
    """Do the job if it is due and nobody has it; a message that came twice finds nothing to do."""
    job = await _claim(services, kinds, owner, store_id, job_id)
    if job is None:
        return
    began = monotonic()
    outcome = await _run(services, kinds, keeper, job)
    seconds = monotonic() - began
    metrics.job_done(job.kind, outcome, seconds)
    log.info("job", kind=job.kind, job=str(job.id), store=job.store_id, outcome=outcome, seconds=round(seconds, 3))


async def _claim(services: Services, kinds: JobKinds, owner: str, store_id: int, job_id: UUID) -> Job | None:
    """Lease the job if it is due; one that sends is left alone while nothing may be sent."""
    try:
        async with services.database.write() as tx:
            job = await jobs.claim(tx, store_id, job_id, owner)
            if job is not None:
                await _check_held(tx, services, kinds, job)
    except _Held:
        return None
    return job


async def _check_held(tx: Transaction, services: Services, kinds: JobKinds, job: Job) -> None:
    kind = kinds.get(job.kind)
    if kind is not None and kind.sends and await services.continuity.held(tx) is not None:
        raise _Held


async def _run(services: Services, kinds: JobKinds, keeper: LeaseKeeper, job: Job) -> str:
    """Run the job's handler, and return how it ended.

    Whatever a handler raises is a bug or a fault of the machinery: its rules are its own to catch.
    """
    loop = asyncio.get_running_loop()
    kind = kinds.get(job.kind)
    if kind is None:
        return await _give_back(services, job, KeyError(job.kind))
    handler = asyncio.ensure_future(_contained(kind.run(services, job)))
    with keeper.hold(job, lambda: loop.call_soon_threadsafe(handler.cancel)) as lease:
        try:
            await _within(handler, kind)
        except LeaseLost:
            return "lost"
        except asyncio.CancelledError:
            if lease.lost:
                return "lost"
            with suppress(LeaseLost):
                async with services.database.write() as tx:
                    await jobs.release(tx, job, delay=0)
            return "stopped"
        except Exception as error:  # noqa: BLE001 - a worker outlives whatever a handler raises
            return await _give_back(services, job, error)
    return "done"


async def _contained(run: Awaitable[None]) -> None:
    """Run a handler. Raise HandlerEnded for what would end the event loop of all others."""
    try:
        await run
    except (SystemExit, KeyboardInterrupt) as error:
        raise HandlerEnded(type(error).__name__) from error


async def _within(handler: "asyncio.Future[None]", kind: JobKind[Services]) -> None:
    """Wait for the handler as long as its kind allows; one that does not end then takes the process along."""
    try:
        done, _ = await asyncio.wait({handler}, timeout=kind.time_limit)
    except asyncio.CancelledError:
        handler.cancel()
        await asyncio.wait({handler})
        raise
    if not done:
        handler.cancel()
        if not (await asyncio.wait({handler}, timeout=_END_WITHIN))[0]:
            end_process(f"job {kind.name}")
        if handler.cancelled():
            raise TimeoutError
    await handler


async def _give_back(services: Services, job: Job, error: Exception) -> str:
    """Have the job tried again, and return how it ended; where that fails, its lease runs out by itself."""
    away = is_unavailable(error)
    try:
        with suppress(LeaseLost):
            async with services.database.write() as tx:
                if away:
                    await jobs.release(tx, job, delay=_AWAY_AFTER, error=type(error).__name__)
                else:
                    # A channel's text is meant to be read; any other may hold a customer's data, and is in the log.
                    text = str(error) if isinstance(error, ChannelBroken) else type(error).__name__
                    await jobs.fail(tx, job, delay=RETRY_AFTER, error=text)
    except Exception as fault:
        if not is_unavailable(fault):
            raise
        log.warning("job_not_released", job=str(job.id), error=type(fault).__name__)
    if away:
        log.warning("job_waits", kind=job.kind, job=str(job.id), error=type(error).__name__)
        return "waits"
    log.error("job_failed", kind=job.kind, job=str(job.id), exc_info=error)
    return "broke"
