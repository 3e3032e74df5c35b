"""GraphQL requests a second through `muster serve`, beside an empty query as the floor."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import httpx
import pytest
from sqlalchemy import insert

from domain.customers.tables import customer_facts, customers
from domain.kit.db import Database
from domain.kit.db.portable import refresh_statistics
from domain.stores import queries
from domain.stores.model import TokenScope, new_token, token_hash
from tests.factories import NOW
from tests.journeys.processes import ROOT, answers, customer, free_port, wait_for

pytestmark = [pytest.mark.benchmark]
CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "20000"))
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "400"))
AT_A_TIME = 8
FIELDS = "externalId name email phone gender birthday country city tier createdAt orderCount totalSpent"
PAGE = f"{{ customers(first: 50) {{ nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}"
TRACKED = f"{{ customers(first: 50) {{ nodes {{ {FIELDS} tags contacts {{ channel consent }} }} }} }}"
EMPTY = "{ __typename }"


async def test_requests_a_second(
    database: Database, store_id: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = await stage_customers(database, store_id, TokenScope.READ)
    with _server(database.url, tmp_path) as (url, pid):
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/graphql-response+json"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
            figures = {
                name: [await _round(client, pid, query) for _ in range(2)][-1] for name, query in _QUERIES.items()
            }
    floor = figures["empty"]
    with capsys.disabled():
        for name, (rate, cpu) in figures.items():
            print(f"\nGraphQL, {database.dialect}, {name}: {rate:,.0f} requests/s, {cpu:.2f} ms of CPU each", end="")
        rate, cpu = figures["50 customers x 12 fields"]
        print(f"\n  a page of 50 x 12 costs {cpu - floor[1]:.2f} ms of CPU more than an empty query")


_QUERIES = {"empty": EMPTY, "50 customers x 12 fields": PAGE, "the same with tags and contacts": TRACKED}


async def stage_customers(database: Database, store_id: int, scope: TokenScope = TokenScope.READ) -> str:
    """Fill a store with customers, and return a token of it."""
    token = new_token(store_id)
    hashed = token_hash(token)
    assert hashed is not None
    told = {"phone": "+886912345678", "gender": "FEMALE", "country": "TW", "city": "Taipei", "tier": "Gold"}
    rows = [
        customer(store_id, number) | told | {"external_id": f"c{number}", "birthday": NOW.date()}
        for number in range(1, CUSTOMERS + 1)
    ]
    facts = [
        {"store_id": store_id, "customer_id": row["id"], "order_count": 1, "total_spent": 10, "last_order_at": NOW}
        for row in rows
    ]
    async with database.write() as tx:
        await queries.add_token(tx, store_id, "bench", hashed, frozenset({scope}), NOW)
        await tx.execute(insert(customers), rows)
        await tx.execute(insert(customer_facts), facts)
        await refresh_statistics(tx, customers, customer_facts)
    return token


@contextmanager
def _server(database_url: str, folder: Path) -> Generator[tuple[str, int]]:
    port = free_port()
    settings: Mapping[str, str] = {
        "MUSTER_DATABASE_URL": database_url,
        "MUSTER_SECRET_KEY": "a key for benchmarks alone",
        "MUSTER_LOG_LEVEL": "warning",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "api.cli", "serve", "--port", str(port)]
    with (folder / "server.log").open("ab") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **settings}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_for(lambda: answers(port), "the server does not answer")
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


async def _round(client: httpx.AsyncClient, pid: int, query: str) -> tuple[float, float]:
    """Requests a second, and milliseconds of the server's CPU for each."""
    began, worked = perf_counter(), cpu_seconds(pid)
    await asyncio.gather(*(_ask(client, query, REQUESTS // AT_A_TIME) for _ in range(AT_A_TIME)))
    count = REQUESTS // AT_A_TIME * AT_A_TIME
    return count / (perf_counter() - began), (cpu_seconds(pid) - worked) / count * 1_000


async def _ask(client: httpx.AsyncClient, query: str, times: int) -> None:
    for _ in range(times):
        response = await client.post("/graphql", json={"query": query})
        assert response.status_code == 200
        assert b'"errors"' not in response.content


def cpu_seconds(pid: int) -> float:
    """What the process has worked, over all its threads; nothing where there is no /proc."""
    threads = Path(f"/proc/{pid}/task")
    if not threads.exists():
        return float("nan")
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads.iterdir()) / 1e9
