"""The server with everything inside."""

import pytest
from pydantic import SecretStr

from api.app import create_app
from api.settings import Settings
from api.wiring import build
from api.workers.handlers import JOB_KINDS
from domain import jobs
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
