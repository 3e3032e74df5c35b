"""The share of the audit log in a request: mutations with their entry beside the same ones without, in turn."""

import os
from collections.abc import AsyncGenerator
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import pytest

from api.graphql.kit import mutation
from api.graphql.kit.audited import Audited
from tests.api.graphql.stage import Stage, StoreClient, open_stage

pytestmark = [pytest.mark.benchmark]
ROUNDS = int(os.environ.get("BENCH_REQUESTS", "400"))
BATCH = ", ".join(f'{{externalId: "c{number}", name: "$n"}}' for number in range(100))
ANSWER = "{ userErrors { code } }"
MUTATIONS = {
    "customerUpsert": f'mutation {{ customerUpsert(input: {{externalId: "a", name: "$n"}}) {ANSWER} }}',
    "customersUpsert of 100": f"mutation {{ customersUpsert(input: [{BATCH}]) {ANSWER} }}",
    "segmentUpdate": f'mutation {{ segmentUpdate(id: "$id", input: {{name: "$n"}}) {ANSWER} }}',
}


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncGenerator[Stage]:
    opened = open_stage(database_url, tmp_path / "files")
    yield opened
    await opened.runtime.close()


async def test_the_share_of_the_audit_log(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = await stage.store()
    segment = str((await store.segment())["segment"]["id"])
    for name, document in MUTATIONS.items():
        costs: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        for number in range(2 * ROUNDS):
            audited = bool(number % 2)
            with monkeypatch.context() as patched:
                if not audited:
                    patched.setattr(mutation, "record", _nothing)
                    patched.setattr(Audited, "observed", _nothing)
                query = document.replace("$id", segment).replace("$n", f"n{number}")
                costs[audited].append(await _time(store, query))
        with capsys.disabled():
            print(f"\naudit, {stage.runtime.database.dialect}, {name}:", end="")
            for kind, measure in enumerate(("ms", "ms of CPU")):
                without, entire = (1_000 * median(cost[kind] for cost in costs[audited]) for audited in (False, True))
                share = 100 * (entire - without) / entire
                print(f" {entire:.2f} {measure} with an entry, {without:.2f} without: {share:.1f} %;", end="")


async def _nothing(*_: object) -> None:
    return None


async def _time(store: StoreClient, query: str) -> tuple[float, float]:
    """Seconds that a request takes, and seconds that this process works for it."""
    began, worked = perf_counter(), process_time()
    response = await store.send(json={"query": query})
    took = perf_counter() - began, process_time() - worked
    assert '"errors"' not in response.text, response.text
    return took
