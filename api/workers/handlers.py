"""Which function does which kind of job."""

from api.workers.job import Handler

HANDLERS: dict[str, Handler] = {}
