"""Which function does which kind of job."""

from api.workers.job import Handler, JobContext
from domain.campaigns import launching, sending


async def _launch(context: JobContext) -> None:
    await launching.launch(context.office, context.job)


async def _deliver(context: JobContext) -> None:
    await sending.deliver(context.office, context.job)


HANDLERS = {
    launching.LAUNCH: Handler(_launch, launching.give_up),
    launching.DELIVER: Handler(_deliver, sending.give_up, time_limit=900),
}
