"""Requests as the application makes them, with row security: a statement that forgets its store finds nothing (S1)."""

import pytest
import structlog
from graphql import GraphQLError
from sqlalchemy import text

from api.graphql.kit.context import ServerServices
from api.graphql.kit.errors import presentable
from domain.customers.tables import customers
from tests.api.graphql.stage import Stage, StoreClient

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def test_the_services_of_a_request_see_its_store_alone(stage: Stage, store: StoreClient) -> None:
    other = await stage.store("Other")
    for client in (store, other):
        await client.customers({"externalId": f"of {client.store_id}"})
    for client in (store, other):
        services = stage.runtime.services.of_store(client.store_id)
        for database in (services.database, services.previews.database):
            async with database.read() as tx:
                rows = await tx.execute(text("SELECT external_id FROM customers"))
                assert list(rows.scalars()) == [f"of {client.store_id}"]
    # What previews have cached is the server's: a view of a store has it too.
    assert services.previews.cache is stage.runtime.services.previews.cache


async def test_the_application_asks_by_that_view(
    stage: Stage, store: StoreClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof that requests use it: where the policy is of another store, the API has nothing either."""
    await store.customers({"externalId": "ann"})
    other = await stage.store("Other")
    of_store = ServerServices.of_store

    def of_another(services: ServerServices, _: int) -> ServerServices:
        return of_store(services, other.store_id)

    monkeypatch.setattr(ServerServices, "of_store", of_another)
    answer = await store.get(
        '{ customer(externalId: "ann") { id } customers { totalCount nodes { id } } segmentPreview { count } }'
    )
    assert answer == {"customer": None, "customers": {"totalCount": 0, "nodes": []}, "segmentPreview": {"count": 0}}
    written = await store.ask('mutation { customersUpsert(input: [{externalId: "ben"}]) { created } }')
    assert written.codes == ["INTERNAL"]
    assert "ben" not in str(written.body)
    assert [error["message"] for error in written.errors] == ["Internal error"]


async def test_what_the_database_refuses_is_a_bug_that_is_logged_by_name(stage: Stage, store: StoreClient) -> None:
    refused: GraphQLError | None = None
    try:
        async with stage.runtime.services.of_store(store.store_id).database.write() as tx:
            await tx.execute(customers.insert().values(store_id=store.store_id + 1, id=1))
    except Exception as error:  # noqa: BLE001 - looked at below
        refused = GraphQLError("x", path=["a"], original_error=error)
    assert refused is not None
    with structlog.testing.capture_logs() as logs:
        shown = presentable(refused)
    assert (shown.message, shown.extensions) == ("Internal error", {"code": "INTERNAL", "requestId": None})
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("database_permission_denied", "error")]
