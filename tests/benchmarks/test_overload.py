"""More clients than a server can serve (P20): what is answered and how fast, what is refused, and whether it lives.

`BENCH_CLIENTS=200 BENCH_SECONDS=10 make bench ARGS="-k overload"`. Half of the clients ask for pages of customers, a
quarter for previews of filters that nobody has asked for, a quarter for next to nothing.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import quantiles
from time import perf_counter

import pytest

from domain.kit.db import Database
from tests.benchmarks.test_graphql import CUSTOMERS, TRACKED, stage_customers
from tests.journeys.processes import served

pytestmark = [pytest.mark.benchmark]
CLIENTS = int(os.environ.get("BENCH_CLIENTS", "200"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))
SETTINGS = {"MUSTER_SECRET_KEY": "a key for benchmarks alone", "MUSTER_LOG_LEVEL": "warning"}
# In a process of its own, which does not wait for the clients'.
PROBE = """
import http.client, sys, time
host, seconds = sys.argv[1], float(sys.argv[2])
end, times = time.perf_counter() + seconds, []
while time.perf_counter() < end:
    began = time.perf_counter()
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read()
    times.append(time.perf_counter() - began)
    connection.close()
    time.sleep(0.05)
times.sort()
print(len(times), times[int(len(times) * 0.99)], times[-1])
"""
_numbers = count()


def preview() -> str:
    filter_ = f'order_count >= 0 AND name != "x{next(_numbers)}"'
    return f"{{ segmentPreview(query: {json.dumps(filter_)}) {{ count reach {{ channel }} }} }}"


WORK: dict[str, Callable[[], str]] = {
    "page": lambda: TRACKED,
    "preview": preview,
    "small": lambda: "{ store { name } }",
}
KINDS = ["page", "preview", "page", "small"]


class Client:
    """One connection, used again and again, and opened anew after a pause."""

    def __init__(self, host: str, token: str, kind: str, *, patient: bool) -> None:
        self.host, self.token, self.kind, self.patient = host, token, kind, patient
        self.answers: list[float] = []
        self.refusals: list[float] = []
        self.others: list[bytes] = []

    async def run(self, until: float) -> None:
        reader, writer = await asyncio.open_connection(*self.host.split(":"))
        while perf_counter() < until:
            began = perf_counter()
            status, retry_after, body = await self._ask(reader, writer)
            took = perf_counter() - began
            if status == b"200" and b'"errors"' not in body:
                self.answers.append(took)
            elif status == b"503" and retry_after is not None:
                self.refusals.append(took)
                if self.patient:
                    writer.close()
                    await asyncio.sleep(retry_after)
                    reader, writer = await asyncio.open_connection(*self.host.split(":"))
            else:
                self.others.append(status + body[:200])
        writer.close()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[bytes, float | None, bytes]:
        body = json.dumps({"query": WORK[self.kind]()}).encode()
        writer.write(
            f"POST /graphql HTTP/1.1\r\nHost: muster\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in head[1:] if line)
        content = await reader.readexactly(int(headers[b"content-length"]))
        retry_after = headers.get(b"retry-after")
        return head[0].split(b" ")[1], None if retry_after is None else float(retry_after), content


@contextmanager
def probe(host: str) -> Generator[Callable[[], str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROBE, host, str(SECONDS)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    yield lambda: str(process.communicate()[0], "utf-8")
    process.wait()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_surplus_is_refused_and_the_rest_is_served(
    database: Database, store_id: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = await stage_customers(database, store_id)
    with served({**SETTINGS, "MUSTER_DATABASE_URL": database.url}, tmp_path) as running:
        process, host = running.popen, running.host
        lines = [f"\n{CLIENTS} clients, {CUSTOMERS:,} customers, {SECONDS:g} s"]
        for name, clients, patient in (("one client", 1, True), ("patient", CLIENTS, True), ("rude", CLIENTS, False)):
            lines += await _round(host, token, name, clients, patient=patient)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    with capsys.disabled():
        print("\n".join(lines))


async def _round(host: str, token: str, name: str, number: int, *, patient: bool) -> list[str]:
    clients = [Client(host, token, KINDS[index % len(KINDS)], patient=patient) for index in range(number)]
    with probe(host) as probed:
        until = perf_counter() + SECONDS
        began = perf_counter()
        await asyncio.gather(*(client.run(until) for client in clients))
        seconds = perf_counter() - began
        healthy = await asyncio.to_thread(probed)
    by_kind: dict[str, list[Client]] = defaultdict(list)
    for client in clients:
        by_kind[client.kind].append(client)
    lines = [f"{name}: /healthz count, p99, max in s: {healthy.strip()}; {seconds:.1f} s until the last answer"]
    for kind, group in [*by_kind.items(), ("all", clients)]:
        answers = [took for client in group for took in client.answers]
        refusals = [took for client in group for took in client.refusals]
        others = [status for client in group for status in client.others]
        lines.append(
            f"  {kind:8} {len(answers) / seconds:6.0f} answers/s, {_percentiles(answers)}; "
            f"{len(refusals)} refused, {_percentiles(refusals)}; {len(others)} others {others[:1]}"
        )
    return lines


def _percentiles(times: list[float]) -> str:
    if len(times) < 2:
        return "-"
    cuts = quantiles(times, n=100)
    return f"p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s"
