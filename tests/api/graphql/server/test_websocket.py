"""graphql-transport-ws, spoken by a real client to a real server."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.api.graphql.toy import Tokens

PROTOCOL = [Subprotocol("graphql-transport-ws")]
INIT = {"type": "connection_init", "payload": {"Authorization": "Bearer sesame"}}


async def say(socket: ClientConnection, message: object) -> None:
    await socket.send(json.dumps(message))


async def hear(socket: ClientConnection) -> Any:
    """The next message that is no sign of life."""
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), 5))
        if message["type"] != "ping":
            return message


async def closing(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(5):
        with suppress(ConnectionClosedError):
            async for _ in socket:
                pass
    return socket.close_code


def subscribe(key: str, query: str) -> dict[str, Any]:
    return {"id": key, "type": "subscribe", "payload": {"query": query}}


async def ready(server: str, **options: Any) -> ClientConnection:
    socket = await connect(f"ws://{server}/graphql", subprotocols=PROTOCOL, **options)
    await say(socket, INIT)
    assert await hear(socket) == {"type": "connection_ack"}
    return socket


async def test_a_subscription_runs_to_its_end(server: str) -> None:
    async with await ready(server) as socket:
        await say(socket, subscribe("a", "subscription { count(to: 2) }"))
        heard = [await hear(socket) for _ in range(3)]
    assert [message.get("payload") for message in heard] == [{"data": {"count": 1}}, {"data": {"count": 2}}, None]
    assert heard[-1] == {"id": "a", "type": "complete"}


async def test_queries_and_mutations_run_too(server: str) -> None:
    async with await ready(server) as socket:
        await say(socket, subscribe("a", "mutation { touch }"))
        assert (await hear(socket))["payload"] == {"data": {"touch": "touched"}}


async def test_a_token_may_come_in_the_header(server: str) -> None:
    headers = {"Authorization": "Bearer sesame"}
    async with connect(f"ws://{server}/graphql", subprotocols=PROTOCOL, additional_headers=headers) as socket:
        await say(socket, {"type": "connection_init"})
        assert await hear(socket) == {"type": "connection_ack"}


BROKEN: list[tuple[list[Any], int]] = [
    ([subscribe("a", "{ who }")], 4401),
    ([{"type": "connection_init", "payload": {"Authorization": "Bearer wrong"}}], 4403),
    ([{"type": "connection_init"}], 4403),
    ([{"type": "connection_init", "payload": [1]}], 4400),
    ([INIT, INIT], 4429),
    ([INIT, subscribe("a", "subscription { silence }"), subscribe("a", "{ who }")], 4409),
    ([INIT, {"type": "start", "id": "a"}], 4400),
    ([INIT, {"type": "subscribe", "id": 1, "payload": {}}], 4400),
    ([INIT, []], 4400),
    ([], 4408),
]


@pytest.mark.parametrize(("messages", "code"), BROKEN)
async def test_breaking_the_protocol_closes_the_connection(server: str, messages: list[Any], code: int) -> None:
    async with connect(f"ws://{server}/graphql", subprotocols=PROTOCOL) as socket:
        for message in messages:
            await say(socket, message)
        assert await closing(socket) == code


@pytest.mark.parametrize("junk", [b"\x00", "no json", "[" * 100_000])
async def test_junk_closes_the_connection(server: str, junk: str | bytes) -> None:
    async with await ready(server) as socket:
        await socket.send(junk)
        assert await closing(socket) == 4400


async def test_the_protocol_of_old_is_not_spoken(server: str) -> None:
    async with connect(f"ws://{server}/graphql", subprotocols=[Subprotocol("graphql-ws")]) as socket:
        assert await closing(socket) == 4406


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://["])
async def test_a_strange_page_is_turned_away(server: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{server}/graphql", subprotocols=PROTOCOL, origin=Origin(origin))
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["http://{server}", "https://spa.example"])
async def test_its_own_page_and_the_allowed_ones_come_in(server: str, origin: str) -> None:
    async with await ready(server, origin=Origin(origin.format(server=server))):
        pass


async def test_an_invalid_operation_is_an_error_and_frees_its_id(server: str) -> None:
    async with await ready(server) as socket:
        await say(socket, subscribe("a", "{ whom }"))
        error = await hear(socket)
        assert (error["type"], error["payload"][0]["extensions"]["code"]) == ("error", "GRAPHQL_VALIDATION_FAILED")
        await say(socket, subscribe("a", "{ who }"))
        assert (await hear(socket))["payload"] == {"data": {"who": "ali"}}


async def test_the_guard_stands_here_too(server: str) -> None:
    async with await ready(server) as socket:
        await say(socket, subscribe("a", "{" + " ".join(f"a{i}: who" for i in range(600)) + "}"))
        assert (await hear(socket))["payload"][0]["extensions"]["code"] == "QUERY_TOO_COMPLEX"


async def test_a_connection_carries_so_many_operations(server: str) -> None:
    async with await ready(server) as socket:
        for number in range(51):
            await say(socket, subscribe(str(number), "subscription { silence }"))
        refused = await hear(socket)
        assert (refused["id"], refused["payload"][0]["extensions"]["code"]) == ("50", "LIMIT_EXCEEDED")
        await say(socket, {"id": "0", "type": "complete"})
        await say(socket, subscribe("50", "{ who }"))
        assert (await hear(socket))["payload"] == {"data": {"who": "ali"}}


async def test_a_revoked_token_ends_the_connection(server: str, tokens: Tokens) -> None:
    async with await ready(server) as socket:
        await say(socket, subscribe("a", "subscription { forever }"))
        assert (await hear(socket))["payload"] == {"data": {"forever": "ali"}}
        tokens.good.clear()
        assert await closing(socket) == 4401


async def test_a_connection_goes_on_while_no_token_can_be_looked_up(server: str, tokens: Tokens) -> None:
    async with await ready(server) as socket:
        tokens.fault = PoolTimeout()
        await say(socket, subscribe("a", "subscription { forever }"))
        while tokens.faults < 3:
            assert (await hear(socket))["payload"] == {"data": {"forever": "ali"}}
        tokens.fault = None
        tokens.good.clear()
        assert await closing(socket) == 4401


async def test_a_connection_that_begins_meanwhile_is_told_to_try_again(server: str, tokens: Tokens) -> None:
    tokens.fault = PoolTimeout()
    async with connect(f"ws://{server}/graphql", subprotocols=PROTOCOL) as socket:
        await say(socket, INIT)
        assert await closing(socket) == 1013


async def test_a_subscription_without_a_free_connection_says_try_again(server: str) -> None:
    async with await ready(server) as socket:
        await say(socket, subscribe("a", "subscription { busy }"))
        heard = [await hear(socket) for _ in range(3)]
    assert heard[0]["payload"] == {"data": {"busy": 1}}
    assert heard[1]["payload"]["errors"][0]["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 2}
    assert heard[2] == {"id": "a", "type": "complete"}


async def test_a_bug_in_a_subscription_is_masked(server: str) -> None:
    async with await ready(server) as socket:
        await say(socket, subscribe("a", "subscription { broken }"))
        heard = [await hear(socket) for _ in range(3)]
    assert "hunter2" not in json.dumps(heard)
    assert heard[1]["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert heard[2] == {"id": "a", "type": "complete"}


async def test_a_quiet_connection_hears_a_sign_of_life(server: str) -> None:
    async with await ready(server) as socket:
        assert json.loads(await asyncio.wait_for(socket.recv(), 5)) == {"type": "ping"}
        await say(socket, {"type": "pong"})
        await say(socket, {"type": "ping"})
        assert await hear(socket) == {"type": "pong"}
