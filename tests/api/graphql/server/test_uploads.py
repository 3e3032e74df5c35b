"""Files, by the GraphQL multipart request specification."""

import json
from typing import Any

import httpx
import pytest
from starlette.requests import HTTPConnection

from tests.api.graphql.toy import Tokens, make_app

QUERY = "mutation ($files: [Upload!]!) { store(files: $files) { names types sizes } }"


def parts(count: int = 1, operations: Any = None, places: Any = None) -> dict[str, str]:
    variables = {"query": QUERY, "variables": {"files": [None] * count}}
    named = {str(i): [f"variables.files.{i}"] for i in range(count)}
    return {
        "operations": json.dumps(variables if operations is None else operations),
        "map": json.dumps(named if places is None else places),
    }


async def send(client: httpx.AsyncClient, data: dict[str, str], *files: bytes) -> httpx.Response:
    sent = {str(i): (f"f{i}.csv", content, "text/csv") for i, content in enumerate(files)}
    return await client.post("/graphql", data=data, files=sent)


async def test_files_arrive_whole(client: httpx.AsyncClient) -> None:
    large = b"x" * 3_000_000
    stored = (await send(client, parts(2), b"a,b\n1,2\n", large)).json()["data"]["store"]
    assert stored == {"names": ["f0.csv", "f1.csv"], "types": ["text/csv"] * 2, "sizes": [8, 3_000_000]}


async def test_an_upload_is_no_string(client: httpx.AsyncClient) -> None:
    body = {"query": QUERY, "variables": {"files": ["f0.csv"]}}
    response = await client.post("/graphql", json=body)
    assert "multipart" in response.json()["errors"][0]["message"]
    literal = await client.post("/graphql", json={"query": 'mutation { store(files: ["x"]) { names } }'})
    assert "multipart" in literal.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"operations": "{", "map": "{}"},
        parts(operations=[]),
        parts(places=[]),
        parts(places={"0": "variables.files.0"}),
        parts(places={"0": ["variables.files.1"]}),
        parts(places={"0": ["variables.files.00000000"]}),
        parts(places={"0": ["query"]}),
        parts(places={"0": ["variables.none"]}),
        parts(places={"0": [1]}),
        parts(places={"9": ["variables.files.0"]}),
        parts(places={"0": ["variables.files.0"] * 30}),
        {**parts(), "more": "1"},
    ],
)
async def test_a_broken_multipart_request_is_refused(client: httpx.AsyncClient, data: dict[str, str]) -> None:
    assert (await send(client, data, b"x")).status_code == 400


async def test_the_number_of_files_is_bounded(client: httpx.AsyncClient) -> None:
    assert (await send(client, parts(11), *([b"x"] * 11))).status_code == 400


async def test_junk_in_place_of_parts_is_refused(client: httpx.AsyncClient) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=b"):
        response = await client.post("/graphql", content=b"--b\r\njunk", headers={"content-type": kind})
        assert response.status_code == 400


async def test_a_form_on_a_strange_page_is_refused() -> None:
    """Where a proxy signs the browser in, nothing but the preflight stands between."""

    class SignedIn(Tokens):
        async def authenticate(self, connection: HTTPConnection) -> str | None:
            return "ali"

    transport = httpx.ASGITransport(make_app(SignedIn()))
    async with httpx.AsyncClient(transport=transport, base_url="http://muster.test") as stranger:
        assert (await send(stranger, parts(), b"x")).status_code == 400
        stranger.headers["x-requested-with"] = "spa"
        assert (await send(stranger, parts(), b"x")).status_code == 200


async def test_bytes_are_bounded() -> None:
    transport = httpx.ASGITransport(make_app(Tokens(), max_upload=100_000))
    headers = {"Authorization": "Bearer sesame"}
    async with httpx.AsyncClient(transport=transport, base_url="http://muster.test", headers=headers) as client:
        assert (await send(client, parts(), b"x" * 200_000)).status_code == 413
