"""The kinds of job that do imports."""

from collections.abc import Awaitable, Callable, Sequence

from domain.imports import runner
from domain.imports.import_run import ImportEnvironment
from domain.imports.model import ImportKind
from domain.jobs import Job, JobKind, Queue
from domain.kit.db import Transaction
from domain.kit.memory import release_free_memory
from domain.services import Services


def import_jobs(finish: Callable[[Transaction, Job], Awaitable[None]]) -> Sequence[JobKind[Services]]:
    """Return a kind of job for each kind of import. `finish` ends the job in the last transaction."""

    async def run(services: Services, job: Job) -> None:
        environment = ImportEnvironment(
            services.clock, await services.suppression_key(), services.files, services.extensions.address_kinds
        )
        try:
            await runner.run(services.database, job, environment, lambda tx: finish(tx, job))
        finally:
            release_free_memory()

    return [
        JobKind(kind.job, Queue.IMPORTS, run, runner.give_up, time_limit=6 * 3600, makes_files=True)
        for kind in ImportKind
    ]
