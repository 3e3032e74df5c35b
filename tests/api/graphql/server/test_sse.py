"""Server-sent events, over a real connection."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from api.graphql.server.connection_life import Streams
from tests.api.graphql.conftest import AUTHORIZED, serve
from tests.api.graphql.toy import Tokens, make_app

EVENTS = {**AUTHORIZED, "Accept": "text/event-stream"}


@pytest.fixture
async def browser(server: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{server}", headers=EVENTS, timeout=5) as client:
        yield client


async def post(client: httpx.AsyncClient, query: str, **options: Any) -> httpx.Response:
    return await client.post("/graphql", json={"query": query}, **options)


async def test_a_subscription_is_streamed(browser: httpx.AsyncClient) -> None:
    response = await post(browser, "subscription { count(to: 2) }")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text == (
        'event: next\ndata: {"data":{"count":1}}\n\nevent: next\ndata: {"data":{"count":2}}\n\n'
        "event: complete\ndata:\n\n"
    )


async def test_by_get_as_an_event_source_does(browser: httpx.AsyncClient) -> None:
    response = await browser.get("/graphql", params={"query": "subscription { count(to: 1) }"})
    assert '{"data":{"count":1}}' in response.text


async def test_a_query_is_one_event(browser: httpx.AsyncClient) -> None:
    assert (await post(browser, "{ who }")).text.count("event: next") == 1


async def test_a_client_of_all_kinds_gets_json_for_a_query_and_events_for_a_subscription(server: str) -> None:
    accept = {**AUTHORIZED, "Accept": "application/graphql-response+json, text/event-stream"}
    async with httpx.AsyncClient(base_url=f"http://{server}", headers=accept) as client:
        assert (await post(client, "{ who }")).json() == {"data": {"who": "ali"}}
        assert "event: next" in (await post(client, "subscription { count(to: 1) }")).text


@pytest.mark.parametrize("query", ["subscription { none }", "subscription { count(to: 99999999999) }", "{"])
async def test_an_invalid_operation_is_refused_before_the_stream(browser: httpx.AsyncClient, query: str) -> None:
    response = await post(browser, query)
    assert (response.status_code, response.headers["content-type"]) == (400, "application/json; charset=utf-8")


async def test_an_invalid_variable_is_refused_before_the_stream(browser: httpx.AsyncClient) -> None:
    body = {"query": "subscription ($n: Int!) { count(to: $n) }", "variables": {"n": "x"}}
    assert (await browser.post("/graphql", json=body)).status_code == 400


async def test_a_stream_needs_a_token(browser: httpx.AsyncClient) -> None:
    response = await post(browser, "subscription { count(to: 1) }", headers={"Authorization": "Bearer wrong"})
    assert response.status_code == 401


@pytest.mark.parametrize(("query", "code"), [("closed", "FORBIDDEN"), ("broken", "INTERNAL"), ("busy", "UNAVAILABLE")])
async def test_what_goes_wrong_within_is_an_event(browser: httpx.AsyncClient, query: str, code: str) -> None:
    text = (await post(browser, f"subscription {{ {query} }}")).text
    assert f'"code":"{code}"' in text
    assert "hunter2" not in text
    assert text.endswith("event: complete\ndata:\n\n")


@pytest.mark.parametrize("query", ["forever", "silence"])
async def test_a_revoked_token_ends_the_stream(browser: httpx.AsyncClient, tokens: Tokens, query: str) -> None:
    async with browser.stream("POST", "/graphql", json={"query": f"subscription {{ {query} }}"}) as response:
        tokens.good.clear()
        async with asyncio.timeout(5):
            text = "".join([part async for part in response.aiter_text()])
    assert '"code":"UNAUTHENTICATED"' in text
    assert text.endswith("event: complete\ndata:\n\n")


async def test_streams_that_come_and_go_are_each_looked_after(browser: httpx.AsyncClient, tokens: Tokens) -> None:
    for _ in range(3):
        async with browser.stream("POST", "/graphql", json={"query": "subscription { silence }"}):
            pass
        body = {"query": "subscription { silence }"}
        async with browser.stream("POST", "/graphql", json=body) as response:
            good, tokens.good = tokens.good, {}
            async with asyncio.timeout(5):
                assert '"code":"UNAUTHENTICATED"' in "".join([part async for part in response.aiter_text()])
            tokens.good = good
    assert {tuple(principals) for principals in tokens.looked_up} == {("ali",)}


@pytest.mark.parametrize("query", ["forever", "silence"])
async def test_a_stream_goes_on_while_no_token_can_be_looked_up(
    browser: httpx.AsyncClient, tokens: Tokens, query: str
) -> None:
    async with browser.stream("POST", "/graphql", json={"query": f"subscription {{ {query} }}"}) as response:
        tokens.fault = PoolTimeout()
        text = ""
        async with asyncio.timeout(5):
            async for part in response.aiter_text():
                text += part
                if tokens.faults >= 3:
                    tokens.fault = None
                    tokens.good.clear()
    assert '"code":"UNAUTHENTICATED"' in text
    assert text.endswith("event: complete\ndata:\n\n")


async def test_a_bug_in_looking_a_token_up_ends_the_stream_and_blames_no_token(
    browser: httpx.AsyncClient, tokens: Tokens
) -> None:
    async with browser.stream("POST", "/graphql", json={"query": "subscription { silence }"}) as response:
        tokens.fault = ZeroDivisionError()
        async with asyncio.timeout(5):
            with capture_logs() as lines, suppress(httpx.RemoteProtocolError):
                text = "".join([part async for part in response.aiter_text()])
                assert "UNAUTHENTICATED" not in text
    assert "graphql.stream_failed" in [line["event"] for line in lines]


async def test_a_quiet_stream_shows_a_sign_of_life(browser: httpx.AsyncClient) -> None:
    async with browser.stream("POST", "/graphql", json={"query": "subscription { silence }"}) as response:
        async for line in response.aiter_lines():
            assert line == ":"
            break


async def test_more_streams_than_the_server_takes_are_told_to_try_again(tokens: Tokens) -> None:
    async with serve(make_app(tokens, streams=Streams(most=1))) as host:
        url = f"http://{host}/graphql"
        async with httpx.AsyncClient(headers=EVENTS, timeout=5) as client:
            async with client.stream("POST", url, json={"query": "subscription { silence }"}) as response:
                assert response.status_code == 200
                refused = await client.post(url, json={"query": "subscription { silence }"})
                query = await client.post(url, json={"query": "{ who }"}, headers={"Accept": "application/json"})
                async with connect(f"ws://{host}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as other:
                    await other.wait_closed()
                assert other.close_code == 1013
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
            assert refused.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
            assert query.json() == {"data": {"who": "ali"}}
            async with asyncio.timeout(5):
                while (await client.post(url, json={"query": "subscription { count(to: 1) }"})).status_code == 503:
                    pass
