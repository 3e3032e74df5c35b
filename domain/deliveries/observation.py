"""The job that tells an observer what became of messages."""

from uuid import UUID

import structlog

from domain import jobs
from domain.deliveries import batches, notices
from domain.deliveries.model import BatchKey
from domain.jobs import Job, JobKind
from domain.services import Services
from domain.sessions import calls
from domain.sessions.calls import CallContext
from domain.sessions.session import ChannelBroken

log = structlog.get_logger(__name__)

# In seconds, before each further time; then the notices are dropped.
_DELAYS = (60, 240, 960, 3840)


async def observe(services: Services, job: Job) -> None:
    """Tell the observer; one that fails is told again, five times in all."""
    observer = str(job.payload["observer"])
    told = notices.of_payload(job.store_id, job.payload)
    if told is None:
        key = BatchKey(UUID(str(job.payload["campaign"])), int(str(job.payload["batch"])))
        async with services.database.read() as tx:
            batch = await batches.by_key(tx, job.store_id, key)
            told = [] if batch is None else await notices.of_batch(tx, batch, str(job.payload["channel"]))
    problem: str | None = None
    if told and observer in services.extensions.observers:
        try:
            await services.sessions.call(calls.observe(told), CallContext(f"{calls.OBSERVER}{observer}", {}))
        except ChannelBroken as error:
            problem = str(error)
    failures = int(str(job.payload.get("failures", 0)))
    async with services.database.write() as tx:
        if problem is None or failures >= len(_DELAYS):
            await jobs.finish(tx, job)
        else:
            await jobs.replace_payload(tx, job.store_id, job.id, {**job.payload, "failures": failures + 1})
            await jobs.release(tx, job, delay=_DELAYS[failures], error=problem)
    if problem is not None:
        event = "observer_failed" if failures < len(_DELAYS) else "observer_gave_up"
        log.warning(event, observer=observer, store=job.store_id, notices=len(told), reason=problem)


OBSERVE = JobKind(notices.JOB, notices.QUEUE, observe)
