"""Everyday clients of a store: they read, write and preview, wait a while, and listen to what goes on."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

ERRORS = "userErrors { field message }"
# What clients do, and how often each beside the others. `$n` is any customer's number.
DOCUMENTS: Mapping[str, tuple[int, str]] = {
    "page": (5, "{ customers(first: 25) { totalCount nodes { id name tags contacts { address consent } } } }"),
    "person": (5, "query ($x: String) { customer(externalId: $x) { name orderCount timeline { nodes { type } } } }"),
    "segments": (2, "{ segments { nodes { name memberCount latestList { count } } } }"),
    "campaigns": (2, "{ campaigns { nodes { name status stats { sent failed unknown } } } }"),
    "preview": (3, "query ($q: String) { segmentPreview(query: $q) { count reach { channel accepting } } }"),
    "upsert": (3, f"mutation ($i: CustomerInput!) {{ customerUpsert(input: $i) {{ {ERRORS} }} }}"),
    "event": (2, f"mutation ($e: [EventInput!]!) {{ eventsTrack(events: $e) {{ {ERRORS} }} }}"),
    "mistake": (1, "query ($q: String) { segmentPreview(query: $q) { count } nothing }"),
}  # fmt: skip
_PROTOCOL = Subprotocol("graphql-transport-ws")
_PER_SOCKET = 5
_PATIENCE = 120.0
_TRY_AGAIN_LATER = 1013
# What came of asking for a stream, by the status of its response.
_STREAMS = {200: "streams", 503: "try again"}


@dataclass
class Store:
    """Where clients find the store, and a count of what came of all that they did."""

    url: str
    token: str
    customers: int
    # The one whose progress is followed.
    campaign: str = ""
    outcomes: Counter[str] = field(default_factory=Counter[str])

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def open(self, connections: int) -> httpx.AsyncClient:
        # A server hangs up after five idle seconds: not just as a request is on its way.
        limits = httpx.Limits(max_connections=connections, keepalive_expiry=2)
        return httpx.AsyncClient(headers=self.headers, timeout=_PATIENCE, verify=False, limits=limits, trust_env=False)

    async def ask(self, client: httpx.AsyncClient, document: str, variables: Mapping[str, object]) -> Any:
        """Return the answer, or None where there is none."""
        body = {"query": document, "variables": variables}
        try:
            response = await client.post(f"{self.url}/graphql", json=body)
        except httpx.TransportError:
            self.outcomes["broken connections"] += 1
            return None
        return self.read(response)

    def read(self, response: httpx.Response) -> Any:
        """Return a response's answer; where the server could not answer for now, None."""
        answer = response.json()
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        if response.status_code == 503 or "UNAVAILABLE" in codes:
            self.outcomes["try again"] += 1
            return None
        failed = response.status_code >= 500 or "INTERNAL" in codes
        self.outcomes["failed" if failed else "answered"] += 1
        return answer


async def work(store: Store, client: httpx.AsyncClient, rng: Random, pause: float) -> None:
    """Be one client, for ever."""
    names = [name for name, (share, _) in DOCUMENTS.items() for _ in range(share)]
    while True:
        await asyncio.sleep(rng.uniform(0, 2 * pause))
        name, number = rng.choice(names), rng.randrange(store.customers)
        event = {
            "id": f"e{number}",
            "type": "visit",
            "occurredAt": "2026-06-01T00:00:00Z",
            "customer": {"externalId": f"c{number}"},
        }
        variables: Mapping[str, Mapping[str, object]] = {
            "person": {"x": f"c{number}"},
            "preview": {"q": f"order_count >= {number % 5} and city != \"x{number % 50}\""},
            "upsert": {"i": {"externalId": f"c{number}", "city": f"x{number % 50}"}},
            "event": {"e": [event]},
            "mistake": {"q": "city ="},
        }  # fmt: skip
        await store.ask(client, DOCUMENTS[name][1], variables.get(name, {}))


async def listen_by_events(store: Store, client: httpx.AsyncClient, rng: Random, stay: float) -> None:
    """Follow a campaign's progress by server-sent events; leave and come again now and then, for ever."""
    document = f'subscription {{ campaignProgress(id: "{store.campaign}") {{ status stats {{ sent }} }} }}'
    headers = {"Accept": "text/event-stream"}
    while True:
        try:
            async with (
                asyncio.timeout(_PATIENCE + stay),
                client.stream("POST", f"{store.url}/graphql", json={"query": document}, headers=headers) as response,
                asyncio.timeout(rng.uniform(0.5, 1.5) * stay),
            ):
                store.outcomes[_STREAMS.get(response.status_code, "refused streams")] += 1
                async for line in response.aiter_lines():
                    store.outcomes["events"] += line.startswith("data: {")
                await asyncio.sleep(float(response.headers.get("retry-after", 0)))
        except TimeoutError:
            continue
        except httpx.TransportError:
            store.outcomes["broken connections"] += 1


async def listen_by_socket(store: Store, rng: Random, stay: float) -> None:
    """Follow it several times over one WebSocket."""
    document = f'subscription {{ campaignProgress(id: "{store.campaign}") {{ status stats {{ sent }} }} }}'
    url = store.url.replace("http", "ws", 1) + "/graphql"
    while True:
        try:
            async with connect(url, subprotocols=[_PROTOCOL], open_timeout=_PATIENCE, proxy=None) as socket:
                await socket.send(json.dumps({"type": "connection_init", "payload": store.headers}))
                for number in range(_PER_SOCKET):
                    asked = {"id": str(number), "type": "subscribe", "payload": {"query": document}}
                    await socket.send(json.dumps(asked))
                store.outcomes["sockets"] += 1
                async with asyncio.timeout(rng.uniform(0.5, 1.5) * stay):
                    async for message in socket:
                        store.outcomes["events"] += '"next"' in str(message)
        except TimeoutError:
            continue
        except ConnectionClosed as closed:
            is_busy = closed.rcvd is not None and closed.rcvd.code == _TRY_AGAIN_LATER
            store.outcomes["try again" if is_busy else "closed sockets"] += 1
            await asyncio.sleep(rng.uniform(0.5, 1.5))
        except OSError:
            store.outcomes["broken connections"] += 1


def listeners(store: Store, client: httpx.AsyncClient, count: int, rng: Random, stay: float) -> list[Any]:
    """Return so many subscriptions, half of them by each way."""
    sockets = count // 2 // _PER_SOCKET
    by_socket = [listen_by_socket(store, Random(rng.random()), stay) for _ in range(sockets)]
    streams = count - sockets * _PER_SOCKET
    return [*by_socket, *[listen_by_events(store, client, Random(rng.random()), stay) for _ in range(streams)]]
