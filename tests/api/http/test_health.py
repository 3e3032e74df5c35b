"""Liveness, readiness and metrics, with and without database and broker."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import update
from starlette.requests import Request
from starlette.routing import Route

from api.app import create_app
from api.settings import Settings
from api.wiring import Runtime, build
from domain import jobs
from domain.campaigns.restoration import keep_life
from domain.installation.tables import installation
from domain.jobs import Queue
from tests.factories import add_store

KEY = SecretStr("a key for tests alone")


@pytest.fixture
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    runtime = build(Settings(database_url=database_url, secret_key=KEY))
    yield runtime
    await runtime.close()


def client_of(runtime: Runtime) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(runtime), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://muster")


async def test_a_server_with_a_migrated_database_is_ready(runtime: Runtime) -> None:
    async with client_of(runtime) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).json() == {"status": "ok", "faults": [], "warnings": []}


async def test_responses_are_neither_cached_nor_framed(runtime: Runtime) -> None:
    async with client_of(runtime) as client:
        for path in ("/healthz", "/nowhere"):
            headers = (await client.get(path)).headers
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_metrics_count_requests_and_jobs(runtime: Runtime) -> None:
    async with client_of(runtime) as client:
        await client.get("/healthz")
        text = (await client.get("/metrics")).text
    assert 'muster_requests_total{method="GET",path="/healthz",status="200"}' in text
    assert 'muster_queue_depth{queue="deliveries"} 0.0' in text


async def test_metrics_show_what_the_process_has_open(runtime: Runtime) -> None:
    async with client_of(runtime) as client, runtime.database.read():
        waiting = asyncio.create_task(asyncio.sleep(60))
        text = (await client.get("/metrics")).text
        waiting.cancel()
    assert 'muster_connections{state="used"} 1.0' in text
    assert re.search(r"^muster_tasks [2-9]", text, re.MULTILINE)


@pytest.mark.parametrize("url", ["postgresql+asyncpg://127.0.0.1:1/none"])
async def test_an_unavailable_database_is_reported_and_worth_a_retry(url: str) -> None:
    runtime = build(Settings(database_url=url, secret_key=KEY))

    async def ask(_: Request) -> None:
        async with runtime.database.read():
            pass

    app = create_app(runtime)
    app.router.routes.append(Route("/ask", ask))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://muster") as client:
        assert (await client.get("/healthz")).status_code == 200
        ready = await client.get("/readyz")
        response = await client.get("/ask")
    await runtime.close()
    assert ready.status_code == 503
    assert "database does not answer" in ready.json()["faults"][0]
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")


async def test_a_database_without_tables_is_not_ready(tmp_path: Path) -> None:
    runtime = build(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path / 'new.db'}", secret_key=KEY))
    async with client_of(runtime) as client:
        ready = await client.get("/readyz")
    await runtime.close()
    assert ready.status_code == 503
    assert "muster migrate" in ready.json()["faults"][0]


async def test_an_unavailable_broker_is_reported(database_url: str) -> None:
    runtime = build(Settings(database_url=database_url, broker_url="redis://127.0.0.1:1/0", secret_key=KEY))
    async with client_of(runtime) as client:
        ready = await client.get("/readyz")
    await runtime.close()
    # Workers find what is due in the database.
    assert ready.status_code == 200
    assert ready.json()["faults"] == []
    assert "broker does not answer" in ready.json()["warnings"][0]


@pytest.mark.parametrize("broker_url", ["memory://", "redis://127.0.0.1:1/0"])
async def test_jobs_that_nobody_does_are_told_of(database_url: str, broker_url: str) -> None:
    runtime = build(Settings(database_url=database_url, broker_url=broker_url, secret_key=KEY))
    async with runtime.database.write() as tx:
        store_id = await add_store(tx)
        await jobs.add(tx, store_id, "some", {}, queue=Queue.LISTS, delay=-59)
        await jobs.add(tx, store_id, "others", {}, queue=Queue.REPORTS, delay=-90)
        held = await jobs.add(tx, store_id, "held", {}, queue=Queue.IMPORTS, delay=-90)
        await jobs.add(tx, store_id, "waiting", {}, queue=Queue.IMPORTS, delay=-90)
        await jobs.claim(tx, store_id, held, "worker")
    async with client_of(runtime) as client:
        ready = await client.get("/readyz")
        metrics = (await client.get("/metrics")).text
    await runtime.close()
    told = ready.json()["faults" if runtime.settings.embedded else "warnings"]
    assert [line.partition(":")[0] for line in told if "due for" in line] == ["reports"]
    assert ready.status_code == (503 if runtime.settings.embedded else 200)
    assert 'muster_oldest_due_seconds{queue="reports"} 9' in metrics


async def test_a_part_that_hangs_makes_its_process_unready(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = build(Settings(database_url=database_url, secret_key=KEY))
    monkeypatch.setattr(runtime.watchdog, "stuck", lambda: {"lists": 17.0})
    async with client_of(runtime) as client:
        ready = await client.get("/readyz")
    await runtime.close()
    assert (ready.status_code, ready.json()["faults"]) == (503, ["lists has not answered for 17 s"])


async def test_a_database_that_was_restored_is_a_warning(runtime: Runtime) -> None:
    """All but sending works (P31)."""
    await keep_life(runtime.services)
    async with runtime.database.write() as tx:
        await tx.execute(update(installation).values(beat=0))
    async with client_of(runtime) as client:
        ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert "muster resume --from-backup" in ready.json()["warnings"][0]


async def test_only_browsers_of_allowed_origins_may_call(database_url: str) -> None:
    runtime = build(Settings(database_url=database_url, allowed_origins=("https://admin.example",), secret_key=KEY))
    async with client_of(runtime) as client:
        preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        allowed = await client.options("/healthz", headers={"Origin": "https://admin.example", **preflight})
        refused = await client.options("/healthz", headers={"Origin": "https://evil.example", **preflight})
    await runtime.close()
    assert allowed.headers["access-control-allow-origin"] == "https://admin.example"
    assert "access-control-allow-origin" not in refused.headers
