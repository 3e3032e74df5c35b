"""The worked example of the update cycle, played through the API on a running server whose clock is a file."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest

from domain.kit.db import Database
from domain.stores import queries as stores
from domain.stores.model import TokenScope, new_token, token_hash
from tests.factories import NOW, add_store
from tests.journeys.processes import server

pytestmark = [pytest.mark.journey]
Json = Any
# The schedule goes round every ten seconds at the latest, and the clock is read again within two.
ROUND = 10 + 2
LISTS = (
    "query ($id: ID!) { segment(id: $id) { nextRefreshAt lists(first: 9) { nodes { name status count createdAt } } } }"
)


class StoreStage:
    def __init__(self, client: httpx.AsyncClient, clock: Path) -> None:
        self._client, self._clock = client, clock

    async def ask(self, query: str, **variables: object) -> Json:
        response = await self._client.post("/graphql", json={"query": query, "variables": variables})
        body = response.json()
        assert "errors" not in body, body
        return body["data"]

    async def mutate(self, name: str, declared: str, arguments: str, answer: str, **variables: object) -> Json:
        document = f"mutation ({declared}) {{ {name}({arguments}) {{ {answer} userErrors {{ message }} }} }}"
        done = (await self.ask(document, **variables))[name]
        assert done["userErrors"] == []
        return done

    async def customers(self, *names: str) -> None:
        inputs = [{"externalId": name, "country": "TW"} for name in names]
        await self.mutate("customersUpsert", "$i: [CustomerInput!]!", "input: $i", "created", i=inputs)

    async def lists(self, gid: str) -> Mapping[str, Json]:
        """The segment's lists by name, the earliest first."""
        nodes = (await self.ask(LISTS, id=gid))["segment"]["lists"]["nodes"]
        return {node["name"]: node for node in reversed(nodes)}

    async def until(self, gid: str, name: str) -> Json:
        deadline = monotonic() + 3 * ROUND
        while (customer_list := (await self.lists(gid)).get(name)) is None or customer_list["status"] != "READY":
            assert monotonic() < deadline, f"there is no list {name}"
            await asyncio.sleep(0.2)
        return customer_list

    def set_clock(self, day: int, hour: int = 9) -> None:
        """The hour of a day of July; the file is another one, as an editor leaves it."""
        written = self._clock.with_suffix(".new")
        written.write_text(datetime(2026, 7, day, hour, tzinfo=UTC).isoformat())
        written.rename(self._clock)


async def test_a_week_and_then_a_fortnight(database: Database, database_url: str, tmp_path: Path) -> None:
    """SL-06 to SL-08, SL-15, A1 and vector 1: G on 1 July, G-2 on the 8th, none on the 15th, G-3 on the 24th."""
    clock = tmp_path / "now"
    clock.write_text(NOW.isoformat())
    settings = {
        "MUSTER_DATABASE_URL": database_url,
        "MUSTER_SECRET_KEY": "a key for the journeys of tests",
        "MUSTER_ENV": "test",
        "MUSTER_CLOCK_FILE": str(clock),
    }
    token = await _token(database)
    headers = {"Authorization": f"Bearer {token}"}
    with server(settings, tmp_path) as url:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
            await _play(StoreStage(client, clock))


async def _play(store: StoreStage) -> None:
    await store.customers("ann")
    segment_input = {
        "name": "G",
        "include": {"attribute": {"dimension": "country", "operator": "IN", "values": ["TW"]}},
        "update": {"mode": "AUTO", "everyDays": 7},
    }
    created = await store.mutate("segmentCreate", "$i: SegmentInput!", "input: $i", "segment { id }", i=segment_input)
    gid = created["segment"]["id"]
    assert (await store.until(gid, "G"))["count"] == 1
    await store.customers("bob")

    store.set_clock(8)
    second = await store.until(gid, "G-2")
    assert (second["count"], second["createdAt"]) == (2, "2026-07-08T09:00:00Z")

    store.set_clock(10)
    await asyncio.sleep(2)
    update = {"update": {"mode": "AUTO", "everyDays": 14}}
    answer = "segment { nextRefreshAt update { everyDays startedOn } }"
    done = await store.mutate(
        "segmentUpdate", "$id: ID!, $i: SegmentInput!", "id: $id, input: $i", answer, id=gid, i=update
    )
    assert done["segment"]["update"] == {"everyDays": 14, "startedOn": "2026-07-10"}
    assert done["segment"]["nextRefreshAt"] == "2026-07-24T00:00:00Z"

    store.set_clock(15)
    await asyncio.sleep(1.5 * ROUND)
    assert list(await store.lists(gid)) == ["G", "G-2"]

    store.set_clock(24, hour=0)
    third = await store.until(gid, "G-3")
    assert (third["count"], third["createdAt"]) == (2, "2026-07-24T00:00:00Z")
    assert list(await store.lists(gid)) == ["G", "G-2", "G-3"]


async def _token(database: Database) -> str:
    async with database.write() as tx:
        store_id = await add_store(tx)
        token = new_token(store_id)
        hashed = token_hash(token)
        assert hashed is not None
        await stores.add_token(tx, store_id, "test", hashed, frozenset({TokenScope.ADMIN}), NOW)
    return token
