"""The server with everything inside."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.settings import Settings
from api.wiring import Runtime, build
from api.workers.handlers import JOB_KINDS
from domain import jobs
from domain.consents.links import UnsubscribeToken
from domain.jobs import Job, JobKind, Queue
from domain.kit.db import Database
from domain.services import Services
from tests.api.workers.conftest import until


async def test_without_a_broker_the_server_does_the_work_too(
    database: Database, database_url: str, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []

    async def note(services: Services, job: Job) -> None:
        async with services.database.write() as tx:
            done.append(job.payload["by"])
            await jobs.finish(tx, job)

    monkeypatch.setitem(JOB_KINDS, "note", JobKind("note", Queue.DEFAULT, note))
    async with database.write() as tx:  # committed by another process, before the server was there
        await jobs.add(tx, store_id, "note", {"by": "another process"})
    runtime = build(Settings(database_url=database_url, secret_key=SecretStr("a key for tests alone")))
    app = create_app(runtime)
    async with app.router.lifespan_context(app):
        async with runtime.database.write() as tx:
            await jobs.add(tx, store_id, "note", {"by": "a request"})
        await until(lambda: len(done) == 2)
    assert set(done) == {"another process", "a request"}


ORIGIN = "https://admin.example"


@asynccontextmanager
async def browser(runtime: Runtime) -> AsyncGenerator[httpx.AsyncClient]:
    """A page of another origin, which may read what this runtime's server answers."""
    transport = httpx.ASGITransport(create_app(runtime))
    async with httpx.AsyncClient(transport=transport, base_url="http://muster", headers={"Origin": ORIGIN}) as client:
        yield client
    await runtime.close()


def runtime_for(database_url: str) -> Runtime:
    key = SecretStr("a key for tests alone")
    return build(Settings(database_url=database_url, secret_key=key, allowed_origins=(ORIGIN,)))


def assert_readable(response: httpx.Response) -> None:
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert {"Retry-After", "X-Request-Id"} <= set(response.headers["access-control-expose-headers"].split(", "))
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


async def test_a_page_of_another_origin_may_read_why_there_is_no_database() -> None:
    """S7, S18: and what it is to do, in `Retry-After`."""
    runtime = runtime_for("postgresql+asyncpg://muster@127.0.0.1:1/muster")
    async with browser(runtime) as client:
        response = await client.post("/unsubscribe/x")
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    assert_readable(response)


async def test_a_page_of_another_origin_may_read_the_id_of_a_request_that_met_a_bug(database_url: str) -> None:
    """S16: the answer has nothing but the id by which the log is searched."""

    def broken_clock() -> datetime:
        raise ZeroDivisionError("secret")

    runtime = runtime_for(database_url)
    runtime = replace(runtime, services=replace(runtime.services, clock=broken_clock))
    link = (await runtime.services.links()).url(UnsubscribeToken(1, 1, uuid4(), "email"))
    async with browser(runtime) as client:
        response = await client.post(link, headers={"X-Request-Id": "edge-1"})
    assert response.status_code == 500
    assert response.json() == {"error": "An internal error occurred; it has been logged.", "requestId": "edge-1"}
    assert_readable(response)


async def test_a_page_may_send_what_requests_need() -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, x-requested-with, x-request-id",
    }
    async with browser(runtime_for("postgresql+asyncpg://muster@127.0.0.1:1/muster")) as client:
        assert (await client.options("/graphql", headers=asked)).status_code == 200
