"""What row security costs a request: two servers on one database, with and without it, asked by turns."""

import os
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import httpx
import pytest
from sqlalchemy import text

from domain.kit.db import Database
from domain.stores.model import TokenScope
from tests.benchmarks.test_graphql import FIELDS, cpu_seconds, server

pytestmark = [pytest.mark.benchmark]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "40"))
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "10"))
_BACKENDS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


def _preview(values: str) -> str:
    condition = f'{{attribute: {{dimension: "name", operator: CONTAINS, values: ["{values}"]}}}}'
    return f"{{ segmentPreview(include: {{all: [{condition}]}}) {{ count }} }}"


# By their number, so that no request is answered from what another one has left behind.
_REQUESTS: dict[str, Callable[[int], str]] = {
    "an empty query": lambda _: "{ __typename }",
    "a point read": lambda number: f'{{ customer(externalId: "c{number % 20000 + 1}") {{ {FIELDS} }} }}',
    "50 customers with tags and contacts": lambda _: (
        f"{{ customers(first: 50) {{ nodes {{ {FIELDS} tags contacts {{ channel consent }} }} }} }}"
    ),
    "a mutation": lambda number: (
        f'mutation {{ customerUpsert(input: {{externalId: "c{number % 20000 + 1}", name: "N{number}"}}) '
        "{ customer { id } userErrors { message } } }"
    ),
    "a cached preview": lambda _: _preview("7"),
    "a new preview": lambda number: _preview(f"{number % 1000} "[::-1]),
}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_cost_of_row_security(
    database: Database, store_id: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = await stage_customers(database, store_id, TokenScope.ADMIN)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/graphql-response+json"}
    lines: list[str] = []
    (tmp_path / "off").mkdir()
    (tmp_path / "on").mkdir()
    with (
        server(database.url, tmp_path / "off") as off,
        server(database.url, tmp_path / "on", MUSTER_ROW_SECURITY="on") as on,
    ):
        async with httpx.AsyncClient(headers=headers, timeout=30) as client:
            for name, request in _REQUESTS.items():
                measured = _Measured(client, database, request)
                for _ in range(ROUNDS):
                    # Each is first as often as the other.
                    await measured.round(off, on)
                    await measured.round(on, off)
                lines.append(f"{name}: {measured.summary(off, on)}")
    with capsys.disabled():
        print("\nRow security off, and how much more when it is on")
        print("\n".join(f"  {line}" for line in lines))


class _Measured:
    """Milliseconds of one kind of request by server: what a client waits, what the server and the database work."""

    def __init__(self, client: httpx.AsyncClient, database: Database, request: Callable[[int], str]) -> None:
        self._client = client
        self._database = database
        self._request = request
        self._number = 0
        self._rounds: dict[tuple[str, int], list[tuple[float, float, float]]] = {}

    async def round(self, *servers: tuple[str, int]) -> None:
        for url, pid in servers:
            database_before, server_before = await self._database_seconds(), cpu_seconds(pid)
            waited: list[float] = []
            for _ in range(REQUESTS):
                self._number += 1
                began = perf_counter()
                response = await self._client.post(f"{url}/graphql", json={"query": self._request(self._number)})
                waited.append(perf_counter() - began)
                assert b'"errors"' not in response.content, response.text
            server_seconds = (cpu_seconds(pid) - server_before) / REQUESTS
            database_seconds = (await self._database_seconds() - database_before) / REQUESTS
            figures = (median(waited) * 1e3, server_seconds * 1e3, database_seconds * 1e3)
            self._rounds.setdefault((url, pid), []).append(figures)

    async def _database_seconds(self) -> float:
        """What the backends have worked, those of both servers; they are on this machine."""
        async with self._database.read() as tx:
            pids = (await tx.execute(text(_BACKENDS))).scalars().all()
        return sum(cpu_seconds(pid) for pid in pids)

    def summary(self, off: tuple[str, int], on: tuple[str, int]) -> str:
        # Rounds side by side share what else the machine does; the first ones warm up.
        pairs = list(zip(self._rounds[off], self._rounds[on], strict=True))[2:]
        parts = [
            f"{name} {median(without[at] for without, _ in pairs):.2f} ms, "
            f"{median(with_it[at] / without[at] for without, with_it in pairs) - 1:+.1%}"
            for at, name in enumerate(("client waits", "server works", "database works"))
        ]
        both = median((with_it[1] + with_it[2]) / (without[1] + without[2]) for without, with_it in pairs)
        return "; ".join([*parts, f"both work {both - 1:+.1%}"])
