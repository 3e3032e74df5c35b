"""Hosts vanish without a word: requests are answered, and work goes on with what is left."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from api.app import create_app
from api.settings import Settings
from api.wiring import build
from domain.kit.db import JOBS, REQUESTS, Database
from domain.stores.model import new_token
from tests.cluster import programs
from tests.cluster.network import Host, hosts
from tests.cluster.postgres import Server, server, urls_of
from tests.journeys.processes import ROOT, wait_for

# Seconds that a request may take while nothing answers: it waits for a connection, or for a silent server.
PATIENCE = 12.0


@pytest.fixture
def three_hosts() -> Iterator[tuple[Host, Host, Host]]:
    with hosts(3) as (one, two, three):
        yield one, two, three


async def test_requests_are_answered_while_the_database_is_away_and_served_by_the_standby(
    three_hosts: tuple[Host, Host, Host], postgres_template: Path, folder: Path
) -> None:
    first, second, _ = three_hosts
    with (
        server(postgres_template, folder / "primary", first.address, first.namespace) as primary,
        primary.followed_by(folder / "standby", host=second.address, namespace=second.namespace) as standby,
    ):
        settings = Settings(database_url=urls_of(primary, standby), secret_key=SecretStr("a key for tests alone"))
        runtime = build(settings, REQUESTS)
        transport = httpx.ASGITransport(create_app(runtime))
        async with httpx.AsyncClient(transport=transport, base_url="http://muster") as client:
            assert await asked(client, 12) == Counter({401: 12})
            first.cut_off()
            assert await asked(client, 12) == Counter({503: 12})
            promoting = asyncio.create_task(asyncio.to_thread(standby.promote))
            assert set(await asked(client, 12)) <= {401, 503}
            await promoting
            deadline = monotonic() + 30
            while await asked(client, 12) != Counter({401: 12}):
                assert monotonic() < deadline, "the standby serves no requests"
        await runtime.close()


async def asked(client: httpx.AsyncClient, times: int) -> Counter[int]:
    """Ask with a token that has to be looked up; count the statuses, those that come too often with the others."""

    async def ask() -> int:
        async with asyncio.timeout(PATIENCE):
            headers = {"authorization": f"Bearer {new_token(1)}"}
            status = (await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)).status_code
            return 401 if status == 429 else status

    return Counter(await asyncio.gather(*(ask() for _ in range(times))))


async def test_the_first_host_that_takes_writes_is_used(postgres_server: Server, folder: Path) -> None:
    with postgres_server.followed_by(folder / "standby") as standby:
        url = urls_of(standby, postgres_server)
        database = Database(url)
        async with database.write() as tx:
            assert await tx.scalar(text("SELECT inet_server_port()")) == postgres_server.port
        await asyncio.to_thread(postgres_server.stop)
        await asyncio.to_thread(standby.promote)
        async with database.write() as tx:
            assert await tx.scalar(text("SELECT inet_server_port()")) == standby.port
        await database.close()


HOLD = """
import asyncio, sys
from sqlalchemy import text
from domain.kit.db import Database

async def hold():
    async with Database(sys.argv[1]).write() as tx:
        await tx.execute(text("UPDATE held SET n = n + 1"))
        print("held", flush=True)
        await asyncio.sleep(600)

asyncio.run(hold())
"""


async def test_a_worker_that_is_cut_off_loses_its_locks(
    three_hosts: tuple[Host, Host, Host], postgres_template: Path, folder: Path
) -> None:
    first, second, _ = three_hosts
    log = folder / "holder.log"
    with server(postgres_template, folder / "primary", first.address, first.namespace) as primary:
        primary.psql("CREATE TABLE held AS SELECT 1 AS n")
        holding = (sys.executable, "-c", HOLD, primary.url)
        with programs.running(*holding, log=log, namespace=second.namespace, cwd=ROOT):
            wait_for(lambda: "held" in log.read_text(), "the row is not locked")
            second.cut_off()
            database = Database(primary.url, limits=JOBS)
            async with asyncio.timeout(45), database.write() as tx:
                await tx.execute(text("UPDATE held SET n = n + 10"))
        async with database.read() as tx:
            assert await tx.scalar(text("SELECT n FROM held")) == 11
        await database.close()
