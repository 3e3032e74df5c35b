"""A server that has more to do than it can refuses what would wait too long, and serves the rest (P20)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from api.graphql.server.admission import Admission, Gate
from api.graphql.server.negotiation import Refused
from tests.api.graphql.conftest import AUTHORIZED, serve
from tests.api.graphql.toy import Tokens, make_app

SLOW, DEAR, QUICK = "{ slow }", "{ slow survey }", "{ who }"


class Work:
    """Requests that run until they are told to end."""

    def __init__(self) -> None:
        self.running = 0
        self.done = asyncio.Event()

    async def __call__(self) -> None:
        self.running += 1
        try:
            await self.done.wait()
        finally:
            self.running -= 1


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    made = Work()
    monkeypatch.setattr("tests.api.graphql.toy.slow_work", made)
    return made


@pytest.fixture
async def client(tokens: Tokens, work: Work) -> AsyncGenerator[httpx.AsyncClient]:
    admission = Admission(plain=Gate(2, 0.5), dear=Gate(1, 0.5), files=Gate(1, 0))
    async with (
        serve(make_app(tokens, admission=admission)) as host,
        httpx.AsyncClient(base_url=f"http://{host}", headers=AUTHORIZED, timeout=20) as opened,
    ):
        yield opened
        work.done.set()


async def ask(client: httpx.AsyncClient, query: str, **options: Any) -> httpx.Response:
    return await client.post("/graphql", json={"query": query}, **options)


async def running(work: Work, number: int) -> None:
    async with asyncio.timeout(10):
        while work.running != number:  # noqa: ASYNC110 - requests tell nobody that they run
            await asyncio.sleep(0.01)


def assert_refused(response: httpx.Response) -> None:
    seconds = int(response.headers["retry-after"])
    assert (response.status_code, 2 <= seconds <= 4) == (503, True)
    [error] = response.json()["errors"]
    assert error["extensions"] == {"code": "UNAVAILABLE", "retryAfter": seconds}


async def test_surplus_is_refused_while_the_rest_is_served_and_all_recovers(
    client: httpx.AsyncClient, work: Work
) -> None:
    inside = [asyncio.create_task(ask(client, SLOW)) for _ in range(2)]
    await running(work, 2)
    for response in await asyncio.gather(*(ask(client, QUICK) for _ in range(40))):
        assert_refused(response)
    work.done.set()
    assert [(await task).json() for task in inside] == [{"data": {"slow": True}}] * 2
    for _ in range(40):
        assert (await ask(client, QUICK)).json() == {"data": {"who": "ali"}}


async def test_whoever_waits_a_moment_is_served(client: httpx.AsyncClient, work: Work) -> None:
    inside = [asyncio.create_task(ask(client, SLOW)) for _ in range(2)]
    await running(work, 2)
    waiting = [asyncio.create_task(ask(client, QUICK)) for _ in range(5)]
    await asyncio.sleep(0.1)
    work.done.set()
    assert [(await task).status_code for task in waiting] == [200] * 5
    await asyncio.gather(*inside)


async def test_dear_work_keeps_nobody_from_the_rest(client: httpx.AsyncClient, work: Work) -> None:
    inside = asyncio.create_task(ask(client, DEAR))
    await running(work, 1)
    dear = [asyncio.create_task(ask(client, DEAR)) for _ in range(20)]
    assert [(await ask(client, QUICK)).status_code for _ in range(20)] == [200] * 20
    for task in dear:
        assert_refused(await task)
    assert work.running == 1
    work.done.set()
    assert (await inside).status_code == 200
    assert (await ask(client, DEAR)).status_code == 200


async def test_a_request_is_refused_before_its_token_is_looked_up(
    client: httpx.AsyncClient, work: Work, tokens: Tokens
) -> None:
    inside = [asyncio.create_task(ask(client, SLOW)) for _ in range(2)]
    await running(work, 2)
    waiting = [asyncio.create_task(ask(client, QUICK)) for _ in range(40)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    tokens.fault = ZeroDivisionError()
    assert_refused(await ask(client, QUICK))
    assert tokens.faults == 0
    tokens.fault = None
    work.done.set()
    await asyncio.gather(*inside, *waiting)


async def test_files_and_streams_take_no_place_from_requests(client: httpx.AsyncClient, work: Work) -> None:
    async with (
        client.stream(
            "POST", "/graphql", json={"query": "subscription { silence }"}, headers={"Accept": "text/event-stream"}
        ),
        client.stream(
            "POST", "/graphql", json={"query": "subscription { forever }"}, headers={"Accept": "text/event-stream"}
        ),
    ):
        sending = asyncio.create_task(client.post("/graphql", content=endless(work), headers=MULTIPART))
        await running(work, 1)
        assert_refused(await client.post("/graphql", content=b"--x--\r\n", headers=MULTIPART))
        inside = [asyncio.create_task(ask(client, SLOW)) for _ in range(2)]
        await running(work, 3)
        work.done.set()
        assert [(await task).status_code for task in inside] == [200, 200]
        assert (await sending).status_code == 400
        assert (await ask(client, QUICK)).status_code == 200


MULTIPART = {"content-type": "multipart/form-data; boundary=x"}


async def endless(work: Work) -> AsyncGenerator[bytes]:
    yield b"--x\r\n"
    await work()
    yield b"--x--\r\n"


async def test_operations_over_a_websocket_and_as_events_are_refused_too(client: httpx.AsyncClient, work: Work) -> None:
    inside = [asyncio.create_task(ask(client, SLOW)) for _ in range(2)]
    await running(work, 2)
    events = await ask(client, QUICK, headers={"Accept": "text/event-stream"})
    assert events.status_code == 503 or '"code":"UNAVAILABLE"' in events.text
    host = client.base_url.netloc.decode()
    async with connect(f"ws://{host}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send('{"type": "connection_init", "payload": {"Authorization": "Bearer sesame"}}')
        await socket.send('{"type": "subscribe", "id": "a", "payload": {"query": "{ who }"}}')
        text = ""
        async with asyncio.timeout(10):
            while '"id":"a"' not in text:
                text = str(await socket.recv())
    assert '"code":"UNAVAILABLE"' in text
    work.done.set()
    await asyncio.gather(*inside)


async def test_whoever_hangs_up_in_line_gives_up_its_place(client: httpx.AsyncClient, work: Work) -> None:
    inside = [asyncio.create_task(ask(client, SLOW)) for _ in range(2)]
    await running(work, 2)
    for _ in range(20):
        with suppress(httpx.TimeoutException):
            await ask(client, "mutation { touch }", timeout=httpx.Timeout(20, read=0.02))
    await asyncio.sleep(0.6)
    work.done.set()
    await asyncio.gather(*inside)
    assert [(await ask(client, QUICK)).status_code for _ in range(10)] == [200] * 10


async def test_a_gate_is_as_wide_after_everything_that_may_happen_in_line() -> None:
    gate = Gate(1, 0.05)
    end = asyncio.Event()

    async def pass_through() -> None:
        async with gate.passed():
            await end.wait()

    for steps in range(12):
        end.clear()
        first = asyncio.create_task(pass_through())
        await asyncio.sleep(0)
        second = asyncio.create_task(pass_through())
        await asyncio.sleep(0)
        end.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait({first, second})
        async with asyncio.timeout(1), gate.passed():
            pass
    async with gate.passed():
        with pytest.raises(Refused):
            async with gate.passed():
                pass
    async with gate.passed():
        pass


async def test_a_gate_is_narrower_while_requests_take_long_and_wide_again_when_they_do_not() -> None:
    async def most_at_once(gate: Gate) -> int:
        inside = most = 0

        async def pass_through() -> None:
            nonlocal inside, most
            async with gate.passed():
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.01)
                inside -= 1

        await asyncio.gather(*(pass_through() for _ in range(30)))
        return most

    gate = Gate(8, 60, least=2)
    assert await most_at_once(gate) == 8
    for _ in range(50):
        await gate.enter()
        gate.leave(3.0)
    assert await most_at_once(gate) < 6
    for _ in range(100):
        await gate.enter()
        gate.leave(0.01)
    assert await most_at_once(gate) == 8
