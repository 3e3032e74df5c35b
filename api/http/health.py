"""Whether this process lives, whether it can work, and how it fares."""

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

# Asks something of the broker, and raises when it does not answer.
Probe = Callable[[], object]
_PATIENCE = 5.0


async def alive(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def routes(database: Database, probe: Probe) -> list[Route]:
    async def ready(_: Request) -> Response:
        faults = await faults_of(database, probe)
        return JSONResponse(
            {"status": "not ready" if faults else "ok", "faults": faults}, status_code=503 if faults else 200
        )

    async def scrape(_: Request) -> Response:
        with suppress(SQLAlchemyError, OSError):
            await _count(database)
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", scrape)]


async def faults_of(database: Database, probe: Probe) -> list[str]:
    """What keeps this process from working, in words for who runs it."""
    return [fault for fault in (await _database_fault(database), await _broker_fault(probe)) if fault]


async def _database_fault(database: Database) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE), database.read() as tx:
            await tx.execute(text("SELECT 1"))
        if not await is_current(database):
            return "the database is not migrated: run `muster migrate`"
    except (SQLAlchemyError, OSError) as error:
        return f"the database does not answer ({type(error).__name__})"
    return None


async def _broker_fault(probe: Probe) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE):
            await asyncio.to_thread(probe)
    except Exception as error:  # noqa: BLE001 - each client library has its own
        return f"the broker does not answer ({type(error).__name__})"
    return None


async def _count(database: Database) -> None:
    async with database.read() as tx:
        for (channel, outcome), times in (await campaigns.outcomes(tx)).items():
            metrics.deliveries.labels(channel, outcome).set(times)
        for queue, counts in (await jobs.count_by_queue(tx)).items():
            metrics.queue_depth.labels(queue.value).set(counts.open)
            metrics.leases_expired.labels(queue.value).set(counts.expired)
