"""The share of a request that the check of its scopes takes: a page of 50 customers with 12 fields each."""

from pathlib import Path
from time import perf_counter

import pytest

from api.graphql.kit.access import scope_of
from api.graphql.kit.fields import schema_of
from api.graphql.schema import build_schema
from api.graphql.server.authorization import Authorization, Scopes
from api.graphql.server.documents import Documents
from domain.stores.model import TokenScope
from tests.api.graphql.stage import open_stage
from tests.benchmarks.test_graphql import PAGE, TRACKED

pytestmark = [pytest.mark.benchmark]
REQUESTS = 300
CHECKS = 20_000


async def test_the_share_of_the_scopes(database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = open_stage(database_url, tmp_path / "files")
    store = await stage.store()
    await store.customers(*({"externalId": f"c{number}", "name": f"Customer {number}"} for number in range(50)))
    token = await store.add_token(frozenset({TokenScope.READ}))
    schema = schema_of(build_schema())
    scopes = frozenset({TokenScope.READ})
    authorization = Authorization(schema, Scopes(scope_of, frozenset[TokenScope].__contains__))
    for name, query in {"50 x 12": PAGE, "with tags and contacts": TRACKED}.items():
        await store.ask_by(token, query)
        began = perf_counter()
        for _ in range(REQUESTS):
            assert (await store.ask_by(token, query)).status == 200
        request = (perf_counter() - began) / REQUESTS
        began = perf_counter()
        document = Documents(schema).get(query, {})
        reading = perf_counter() - began
        operation = document.operation(None)
        began = perf_counter()
        authorization.check(document, operation, scopes)
        first = perf_counter() - began
        began = perf_counter()
        for _ in range(CHECKS):
            authorization.check(document, operation, scopes)
        later = (perf_counter() - began) / CHECKS
        with capsys.disabled():
            print(
                f"\nScopes, {stage.runtime.database.dialect}, {name}: {later * 1e6:.2f} us of a request's "
                f"{request * 1e3:.2f} ms ({later / request:.4%}); a new document {first * 1e6:.0f} us "
                f"beside {reading * 1e3:.2f} ms of reading it ({first / reading:.2%})",
                end="",
            )
    await stage.runtime.close()
