"""GraphQL over HTTP: methods, media types, statuses, and what an error says."""

from typing import Any

import httpx
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from api import request_id
from tests.api.graphql.conftest import Ask

JSON = "application/json"
RESPONSE = "application/graphql-response+json"


def codes(response: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", JSON),
        ("*/*", JSON),
        (JSON, JSON),
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}, {JSON}", RESPONSE),
        (f"{RESPONSE}, {JSON};q=0.9", RESPONSE),
        (f"{RESPONSE};q=0.5, {JSON}", JSON),
        (f"{RESPONSE};q=0, */*;q=0.1", JSON),
        (f"{RESPONSE}, application/graphql+json, {JSON}, text/event-stream, multipart/mixed", RESPONSE),
    ],
)
async def test_the_client_chooses_the_media_type(ask: Ask, accept: str, media: str) -> None:
    response = await ask("{ who }", accept=accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media}; charset=utf-8"
    assert response.headers["vary"] == "Accept"
    assert response.json() == {"data": {"who": "ali"}}


@pytest.mark.parametrize("accept", ["text/plain", "image/*", f"{JSON};q=0"])
async def test_a_client_that_reads_neither_gets_406(ask: Ask, accept: str) -> None:
    assert (await ask("{ who }", accept=accept)).status_code == 406


@pytest.mark.parametrize("query", ["{ who", "{ whom }", "query ($a: Int!) { echo(number: $a) }"])
async def test_a_faulty_document_has_no_data_and_400_in_the_new_media_type_alone(ask: Ask, query: str) -> None:
    modern, legacy = await ask(query), await ask(query, accept=JSON)
    assert (modern.status_code, legacy.status_code) == (400, 200)
    assert "data" not in modern.json()
    assert "data" not in legacy.json()


async def test_a_query_may_come_by_get(client: httpx.AsyncClient) -> None:
    variables = {"query": "query ($t: String!) { echo(text: $t) }", "variables": '{"t": "hi"}'}
    assert (await client.get("/graphql", params=variables)).json()["data"]["echo"][0] == "hi"


async def test_a_mutation_may_not_come_by_get(client: httpx.AsyncClient) -> None:
    response = await client.get("/graphql", params={"query": "mutation { touch }"})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
async def test_other_methods_are_refused(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/jsonx", "text/x-application/json", "application/x-www-form-urlencoded",
     "application/json; charset=utf-16"],
)  # fmt: skip
async def test_other_content_types_are_refused(client: httpx.AsyncClient, kind: str) -> None:
    response = await client.post("/graphql", content=b'{"query":"{who}"}', headers={"content-type": kind})
    assert response.status_code == 415


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"1", b"[]", b'[{"query":"{who}"}]', b"{}", b'{"query":1}', b'{"query":""}', b"\xff",
     b'{"query":"{who}","variables":[]}', b'{"query":"{who}","variables":"{}"}', b'{"query":"{who}","extensions":1}',
     b'{"query":"{who}","operationName":1}', b'{"query":"{who}","variables":{"a":"\\ud800"}}'],
)  # fmt: skip
async def test_what_is_no_request_gets_400(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/graphql", content=body, headers={"content-type": JSON})
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic sesame"])
async def test_nobody_comes_in_without_a_token(client: httpx.AsyncClient, header: str) -> None:
    response = await client.post("/graphql", json={"query": "{ __typename }"}, headers={"authorization": header})
    assert (response.status_code, codes(response)) == (401, ["UNAUTHENTICATED"])
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_bug_is_masked_and_logged_once(ask: Ask) -> None:
    with capture_logs() as logs:
        response = await ask("{ bug who }")
    assert response.json()["data"] == {"bug": None, "who": "ali"}
    assert (response.status_code, codes(response)) == (200, ["INTERNAL"])
    assert "hunter2" not in response.text
    assert [entry["event"] for entry in logs] == ["graphql.resolver_failed"]


async def test_a_bug_has_the_id_by_which_its_traceback_is_found(ask: Ask) -> None:
    with request_id.identified("edge-1"), capture_logs([merge_contextvars]) as logs:
        response = await ask("{ bug }")
    assert response.json()["errors"][0]["extensions"] == {"code": "INTERNAL", "requestId": "edge-1"}
    assert [entry["request_id"] for entry in logs] == ["edge-1"]


async def test_a_busy_database_is_try_again(ask: Ask) -> None:
    with capture_logs() as logs:
        response = await ask("{ busy who }")
    assert response.json()["data"] == {"busy": None, "who": "ali"}
    assert (response.status_code, codes(response)) == (200, ["UNAVAILABLE"])
    assert [entry["event"] for entry in logs] == ["database_unavailable"]


@pytest.mark.parametrize("media", ["application/json", "application/graphql-response+json"])
async def test_a_mutation_that_a_busy_database_prevented_may_be_repeated_by_anything_on_the_way(
    ask: Ask, media: str
) -> None:
    response = await ask("mutation { busy }", accept=media)
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    assert codes(response) == ["UNAVAILABLE"]


async def test_one_behind_a_mutation_that_was_done_may_not(ask: Ask) -> None:
    response = await ask("mutation { touch busy }")
    assert (response.status_code, response.json()["data"]) == (200, None)
    assert "retry-after" not in response.headers
    assert codes(response) == ["UNAVAILABLE"]


async def test_an_error_that_is_meant_for_the_caller_is_shown(ask: Ask) -> None:
    assert (await ask("{ secret }")).json()["errors"][0]["extensions"] == {"code": "FORBIDDEN", "scope": "admin"}


async def test_a_rule_that_says_no_to_a_query_names_its_field(ask: Ask) -> None:
    error = (await ask("{ rule }")).json()["errors"][0]
    assert error["message"] == "The filter is empty."
    assert error["extensions"] == {"code": "INVALID", "field": ["include", "all", "0"]}
    both = (await ask("{ rules }")).json()["errors"][0]["extensions"]["faults"]
    assert [fault["message"] for fault in both] == ["one", "two"]


async def test_the_operation_is_chosen_by_name(client: httpx.AsyncClient) -> None:
    query = "query A { who } query B { echo }"

    async def named(name: Any) -> httpx.Response:
        return await client.post("/graphql", json={"query": query, "operationName": name})

    assert (await named("A")).json() == {"data": {"who": "ali"}}
    assert codes(await named("C")) == ["GRAPHQL_VALIDATION_FAILED"]
    assert codes(await named(None)) == ["GRAPHQL_VALIDATION_FAILED"]


async def test_a_subscription_is_not_answered_as_json(ask: Ask) -> None:
    assert (await ask("subscription { count(to: 1) }")).status_code == 406
