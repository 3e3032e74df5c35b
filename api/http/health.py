"""Endpoints for load balancers and Prometheus: liveness, readiness and metrics."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import metrics
from domain import jobs
from domain.campaigns import queries as campaigns
from domain.kit.db import Database
from domain.migrations import is_current

# Sends a request to the broker, and raises when it does not answer.
Probe = Callable[[], object]
_TIMEOUT = 5.0  # seconds


async def alive(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def routes(database: Database, probe: Probe) -> list[Route]:
    async def ready(_: Request) -> Response:
        faults = await readiness_faults(database, probe)
        return JSONResponse(
            {"status": "not ready" if faults else "ok", "faults": faults}, status_code=503 if faults else 200
        )

    async def scrape(_: Request) -> Response:
        # Without the database, the metrics of this process are still of use.
        with suppress(SQLAlchemyError, OSError):
            async with asyncio.timeout(_TIMEOUT), database.read() as tx:
                for (channel, outcome), times in (await campaigns.outcomes(tx)).items():
                    metrics.deliveries.labels(channel, outcome).set(times)
                for queue, counts in (await jobs.count_by_queue(tx)).items():
                    metrics.queue_depth.labels(queue.value).set(counts.open)
                    metrics.leases_expired.labels(queue.value).set(counts.expired)
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", scrape)]


async def readiness_faults(database: Database, probe: Probe) -> list[str]:
    """Return the reasons why this process cannot work, for its operator; none when it is ready."""
    faults: list[str] = []
    try:
        async with asyncio.timeout(_TIMEOUT):
            async with database.read() as tx:
                await tx.execute(text("SELECT 1"))
            if not await is_current(database):
                faults.append("the database is not migrated: run `muster migrate`")
    except (SQLAlchemyError, OSError) as error:
        faults.append(f"the database does not answer ({type(error).__name__})")
    try:
        async with asyncio.timeout(_TIMEOUT):
            await asyncio.to_thread(probe)
    except Exception as error:  # noqa: BLE001 - each client library has its own
        faults.append(f"the broker does not answer ({type(error).__name__})")
    return faults
