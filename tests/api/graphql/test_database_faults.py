"""A database that is locked, or whose connections are all in use, is "try again", and nothing is done by halves."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Connection, event, func, select, text
from sqlalchemy.engine.interfaces import DBAPIConnection

from domain.consents.links import UnsubscribeToken
from domain.kit.db import Database
from domain.migrations.tables import metadata
from domain.stores.model import TokenScope
from tests.api.graphql.mutation_calls import CALLS, UPLOADS, prepare
from tests.api.graphql.stage import Stage, StoreClient, faults


@asynccontextmanager
async def writers_locked_out(stage: Stage) -> AsyncGenerator[None]:
    """Have another process hold the lock that writers need, for which they wait 50 ms."""
    database = stage.runtime.database

    def shorten(connection: Connection) -> None:
        if database.dialect == "postgresql":
            connection.exec_driver_sql("SET LOCAL lock_timeout = 50")

    def shorten_sqlite(connection: DBAPIConnection, *_: object) -> None:
        if database.dialect == "sqlite":
            cursor = connection.cursor()
            cursor.execute("PRAGMA busy_timeout = 50")
            cursor.close()

    other = Database(database.url)
    event.listen(database.engine.sync_engine, "begin", shorten)
    event.listen(database.engine.sync_engine, "checkout", shorten_sqlite)
    try:
        async with other.write() as tx:
            if tx.dialect == "postgresql":
                await tx.execute(text(f"LOCK TABLE {', '.join(metadata.tables)} IN EXCLUSIVE MODE"))
            yield
    finally:
        event.remove(database.engine.sync_engine, "begin", shorten)
        event.remove(database.engine.sync_engine, "checkout", shorten_sqlite)
        await other.close()


@asynccontextmanager
async def pool_exhausted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[None]:
    """Have every connection of the server in use by others, for which requests wait 50 ms."""
    engine = stage.runtime.database.engine
    monkeypatch.setattr(engine.sync_engine.pool, "_timeout", 0.05)
    async with AsyncExitStack() as held:
        for _ in range(10):
            await held.enter_async_context(engine.connect())
        yield


async def rows_by_table(database: Database) -> dict[str, int]:
    async with database.read() as tx:
        return {
            name: await tx.scalar(select(func.count()).select_from(table)) for name, table in metadata.tables.items()
        }


def assert_try_again(response: httpx.Response) -> None:
    assert (response.status_code, response.headers["retry-after"]) == (503, "2"), response.text
    body = response.json()
    assert set(body) == {"errors"}
    assert [error["extensions"] for error in body["errors"]] == [{"code": "UNAVAILABLE", "retryAfter": 2}]
    assert "Try again" in body["errors"][0]["message"]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted([*CALLS, *UPLOADS]))
async def test_a_mutation_of_a_locked_database_does_nothing_and_may_be_repeated(
    stage: Stage, store: StoreClient, name: str
) -> None:
    call = await prepare(store, name)
    before = await rows_by_table(stage.runtime.database)
    async with writers_locked_out(stage):
        assert_try_again(await call.send())
    assert await rows_by_table(stage.runtime.database) == before
    assert await call.errors() == []


async def test_whoever_reads_does_not_need_the_lock(stage: Stage, store: StoreClient) -> None:
    # Its first use is to be recorded.
    token = await store.add_token(frozenset({TokenScope.READ}))
    # The installation's keys were made when the server started.
    await stage.runtime.services.keys.load(stage.runtime.database)
    async with writers_locked_out(stage):
        reply = await store.ask_by(token, "{ store { name } }")
        ready, metrics = await store.fetch("/readyz"), await store.fetch("/metrics")
    assert reply.data == {"store": {"name": "Shop"}}
    assert (ready.status_code, metrics.status_code) == (200, 200)


async def test_an_unsubscribe_link_of_a_locked_database_says_try_again(stage: Stage, store: StoreClient) -> None:
    [_] = await store.customers({"externalId": "ann", "email": "ann@shop.example"})
    link = (await stage.runtime.services.links()).url(UnsubscribeToken(store.store_id, 1, uuid4(), "recording"))
    async with (
        writers_locked_out(stage),
        httpx.AsyncClient(transport=httpx.ASGITransport(stage.app), base_url="http://muster.test") as client,
    ):
        response = await client.post(link)
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        ("{ store { name } }", "application/json"),
        ("{ customers(first: 1) { nodes { id } } }", "application/graphql-response+json"),
        ('mutation { segmentCreate(input: {name: "S"}) { userErrors { code } } }', "application/json"),
        ('subscription { operationProgress(id: "x") { id } }', "text/event-stream"),
    ],
)
async def test_a_request_without_a_free_connection_says_try_again(
    stage: Stage, store: StoreClient, monkeypatch: pytest.MonkeyPatch, query: str, accept: str
) -> None:
    async with pool_exhausted(stage, monkeypatch):
        assert_try_again(await store.send(json={"query": query}, headers={"Accept": accept}))
    assert (await store.ask("{ store { name } }")).data == {"store": {"name": "Shop"}}


async def test_probes_without_a_free_connection_are_no_errors(
    stage: Stage, store: StoreClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pool_exhausted(stage, monkeypatch):
        ready, metrics, alive = [await store.fetch(path) for path in ("/readyz", "/metrics", "/healthz")]
    assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
    assert "the database does not answer" in ready.json()["faults"][0]
    assert metrics.status_code == 200
    assert "muster_requests_total" in metrics.text
    assert alive.status_code == 200


async def test_a_sum_beyond_what_is_stored_is_a_user_error(stage: Stage, store: StoreClient) -> None:
    def order(number: int) -> Mapping[str, object]:
        customer, total = {"externalId": "ann"}, {"total": 1_000_000_000_000}
        when = "2026-06-01T00:00:00Z"
        return {"id": f"o{number}", "type": "order", "customer": customer, "occurredAt": when, "attributes": total}

    before = await rows_by_table(stage.runtime.database)
    done = await store.mutate("eventsTrack", "events: $events", "accepted", events=[order(n) for n in range(1_000)])
    named = [(["events", str(number), "attributes", "total"], "INVALID") for number in range(1_000)]
    assert (done["accepted"], faults(done)) == (0, named)
    after = await rows_by_table(stage.runtime.database)
    # The sign-in and the refusal are on record.
    assert after.pop("audit_entries") == before.pop("audit_entries") + 2
    assert after == before
