"""Endpoints for load balancers and Prometheus: liveness, readiness and metrics."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import metrics
from api.row_security import row_security
from domain import jobs
from domain.campaigns import queries as campaigns
from domain.installation.keys import InstallationKeys
from domain.installation.model import WrongSecretKey
from domain.kit.db import Database, Transaction
from domain.migrations import is_current
from domain.sessions.continuity import Continuity

_TIMEOUT = 5.0  # seconds
# Seconds after which a job that is due should have found a worker: consumers look every eight.
_IDLE_AFTER = 60.0


async def alive(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


@dataclass(frozen=True, slots=True)
class Probes:
    """Ways to ask the parts of a process how they are: `ask_broker` raises when the broker does not answer.

    `stuck` returns the parts that do not turn any more, and since how many seconds; `embedded` is a server that works.
    """

    database: Database
    ask_broker: Callable[[], object]
    stuck: Callable[[], Mapping[str, float]]
    embedded: bool
    keys: InstallationKeys
    continuity: Continuity


@dataclass(frozen=True, slots=True)
class Readiness:
    """Reasons why this process cannot work, and what its operator should know though it can."""

    faults: list[str]
    warnings: list[str]


def routes(probes: Probes) -> list[Route]:
    database = probes.database

    async def ready(_: Request) -> Response:
        readiness = await readiness_of(probes)
        if not readiness.faults:
            await _look_at_installation(probes, readiness)
        faults, warnings = readiness.faults, readiness.warnings
        content = {"status": "not ready" if faults else "ok", "faults": faults, "warnings": warnings}
        return JSONResponse(content, status_code=503 if faults else 200)

    async def scrape(_: Request) -> Response:
        _count_own(database)
        # Without the database, the metrics of this process are still of use.
        with suppress(SQLAlchemyError, OSError):
            async with asyncio.timeout(_TIMEOUT), database.read() as tx:
                for (channel, outcome), times in (await campaigns.outcomes(tx)).items():
                    metrics.deliveries.labels(channel, outcome).set(times)
                for queue, counts in (await jobs.count_by_queue(tx)).items():
                    metrics.queue_depth.labels(queue.value).set(counts.open)
                    metrics.leases_expired.labels(queue.value).set(counts.expired)
                    metrics.oldest_due.labels(queue.value).set(counts.waiting)
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", scrape)]


def _count_own(database: Database) -> None:
    """Count what this process has open, before the scrape opens anything itself."""
    metrics.tasks.set(len(asyncio.all_tasks()))
    pool = database.engine.pool
    if isinstance(pool, QueuePool):
        metrics.connections.labels("used").set(pool.checkedout())
        metrics.connections.labels("idle").set(pool.checkedin())


async def readiness_of(probes: Probes) -> Readiness:
    """Ask the database, the broker and the parts of this process."""
    faults = [f"{part} has not answered for {seconds:.0f} s" for part, seconds in probes.stuck().items()]
    warnings: list[str] = []
    try:
        async with asyncio.timeout(_TIMEOUT):
            async with probes.database.read() as tx:
                await tx.execute(text("SELECT 1"))
            if await is_current(probes.database):
                async with probes.database.read() as tx:
                    # Without workers of its own, a server can do its part.
                    (faults if probes.embedded else warnings).extend(await _idle_queues(tx))
                    rows = await row_security(tx, is_on=probes.database.row_security)
                    faults += rows.problems
            else:
                faults.append("the database is not migrated: run `muster migrate`")
    except (SQLAlchemyError, OSError) as error:
        faults.append(f"the database does not answer ({type(error).__name__})")
    try:
        async with asyncio.timeout(_TIMEOUT):
            await asyncio.to_thread(probes.ask_broker)
    except Exception as error:  # noqa: BLE001 - each client library has its own
        # Workers find due jobs in the database, some seconds later.
        warnings.append(f"the broker does not answer ({type(error).__name__})")
    return Readiness(faults, warnings)


async def _look_at_installation(probes: Probes, readiness: Readiness) -> None:
    """Note a secret key that is not the database's, and a database that is not the one that is known."""
    try:
        async with asyncio.timeout(_TIMEOUT):
            await probes.keys.load(probes.database)
            async with probes.database.read() as tx:
                problem = await probes.continuity.held_everywhere(tx)
    except WrongSecretKey as error:
        readiness.faults.append(error.message)
    except (SQLAlchemyError, OSError) as error:
        readiness.faults.append(f"the database does not answer ({type(error).__name__})")
    else:
        # All but sending works.
        readiness.warnings.extend([] if problem is None else [problem])


async def _idle_queues(tx: Transaction) -> list[str]:
    return [
        f"{queue.value}: a job has been due for {counts.waiting:.0f} s, and no worker has any of this queue"
        for queue, counts in (await jobs.count_by_queue(tx)).items()
        if counts.waiting >= _IDLE_AFTER and not counts.held
    ]
