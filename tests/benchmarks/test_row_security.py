"""What row security costs a request: the application with and without it, in one process, by turns."""

import os
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter, process_time
from typing import Any

import orjson
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.types import ASGIApp

from api import logging
from api.app import create_app
from api.settings import Settings
from api.wiring import build
from domain.kit.db import REQUESTS, Database
from domain.stores.model import TokenScope
from tests.benchmarks.test_graphql import FIELDS, cpu_seconds, stage_customers

pytestmark = [pytest.mark.benchmark]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "60"))
AT_A_TIME = 10
_BACKENDS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


def _preview(values: str) -> str:
    condition = f'{{attribute: {{dimension: "name", operator: CONTAINS, values: ["{values}"]}}}}'
    return f"{{ segmentPreview(include: {{all: [{condition}]}}) {{ count }} }}"


# By a number, so that no request is answered from what another one has left behind.
_REQUESTS: dict[str, Callable[[int], str]] = {
    "a point read": lambda number: f'{{ customer(externalId: "c{number % 20000 + 1}") {{ {FIELDS} }} }}',
    "50 customers": lambda _: f"{{ customers(first: 50) {{ nodes {{ {FIELDS} }} }} }}",
    "the same with tags and contacts": lambda _: (
        f"{{ customers(first: 50) {{ nodes {{ {FIELDS} tags contacts {{ channel consent }} }} }} }}"
    ),
    "a mutation": lambda number: (
        f'mutation {{ customerUpsert(input: {{externalId: "c{number % 20000 + 1}", name: "N{number}"}}) '
        "{ customer { id } userErrors { message } } }"
    ),
    "a cached preview": lambda _: _preview("7"),
    "a new preview": lambda number: _preview(f"{number} "[::-1]),
}


@dataclass(frozen=True, slots=True)
class _Figures:
    """Milliseconds of a request: until it is answered, of this process's CPU, of the database's."""

    waited: float
    here: float
    database: float

    @property
    def both(self) -> float:
        return self.here + self.database


_FIGURES: dict[str, Callable[[_Figures], float]] = {
    "answered in": lambda figures: figures.waited,
    "server works": lambda figures: figures.here,
    "database works": lambda figures: figures.database,
    "both work": lambda figures: figures.both,
}


@dataclass
class _Asked:
    """An application, and the figures of each round."""

    app: ASGIApp
    token: str
    rounds: list[_Figures] = field(default_factory=list[_Figures])

    async def answer(self, document: str) -> bytes:
        """Ask without a client, which would cost as much again."""
        body, answer = orjson.dumps({"query": document}), bytearray()
        headers = [(b"content-type", b"application/json"), (b"authorization", b"Bearer " + self.token.encode())]
        scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            answer.extend(message.get("body", b""))

        await self.app(scope, receive, send)
        return bytes(answer)

    async def round(self, database: Database, request: Callable[[int], str], first: int) -> None:
        worked_before = await _database_seconds(database)
        waited: list[float] = []
        here_before = process_time()
        for number in range(first, first + AT_A_TIME):
            began = perf_counter()
            answer = await self.answer(request(number))
            waited.append(perf_counter() - began)
            assert answer.startswith(b'{"data":'), answer
        here = (process_time() - here_before) / AT_A_TIME
        worked = (await _database_seconds(database) - worked_before) / AT_A_TIME
        self.rounds.append(_Figures(median(waited) * 1e3, here * 1e3, worked * 1e3))


async def _database_seconds(database: Database) -> float:
    """What the backends have worked, which are on this machine."""
    async with database.read() as tx:
        pids = (await tx.execute(text(_BACKENDS))).scalars().all()
    return sum(cpu_seconds(pid) for pid in pids)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_cost_of_row_security(database: Database, store_id: int, capsys: pytest.CaptureFixture[str]) -> None:
    token = await stage_customers(database, store_id, TokenScope.ADMIN)
    logging.configure("json", "warning")
    key = SecretStr("a key for benchmarks alone")
    runtimes = [
        build(Settings(database_url=database.url, secret_key=key, row_security=is_on), REQUESTS)
        for is_on in (False, True)
    ]
    apps = [create_app(runtime) for runtime in runtimes]
    for name, request in _REQUESTS.items():
        off, on = (_Asked(app, token) for app in apps)
        for number in range(ROUNDS):
            # Each is first as often as the other.
            for place, asked in enumerate((off, on) if number % 2 else (on, off)):
                await asked.round(database, request, (2 * number + place) * AT_A_TIME)
        with capsys.disabled():
            print(f"\nRow security, {name}: {_compare(off.rounds, on.rounds)}", end="")
    for runtime in runtimes:
        await runtime.services.previews.wait_for_prefetch()
        await runtime.close()


def _compare(off: list[_Figures], on: list[_Figures]) -> str:
    # Rounds side by side share whatever else the machine does; the first ones warm up.
    pairs = list(zip(off, on, strict=True))[5:]
    parts = [
        f"{name} {median(figure(without) for without, _ in pairs):.2f} ms and "
        f"{median(figure(with_it) / figure(without) for without, with_it in pairs) - 1:+.1%}"
        for name, figure in _FIGURES.items()
    ]
    return ", ".join(parts)
