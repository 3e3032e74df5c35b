"""The host's tools as tests give them to a channel: real HTTP, a state in memory, an address for webhooks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from muster_sdk.host import HttpAnswer, HttpClient

__all__ = ["KitHost", "KitHttp", "KitState", "NoKitHttp"]

_STATE_BYTES = 65_536


class KitState:
    """A `State` in memory, with the host's limits. `values` is what it holds.

    Example:

        state = KitState({"cursor": "17"})
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.values: dict[str, Any] = dict(values or {})

    def get(self, key: str, default: Any = None) -> Any:
        value = self.values.get(key)
        return default if value is None else value

    def put(self, key: str, value: Any) -> None:
        """Set the key's value, as it is after a way through JSON. Raise ValueError for what is none, or too large."""
        try:
            text = json.dumps({**self.values, key: value}, allow_nan=False)
        except TypeError as error:
            raise ValueError(f"{key!r} is no value of JSON: {error}") from None
        if len(text.encode()) > _STATE_BYTES:
            raise ValueError(f"the state would take more than {_STATE_BYTES:,} bytes")
        self.values = {name: kept for name, kept in json.loads(text).items() if kept is not None}


@dataclass(slots=True)
class KitHttp:
    """An `HttpClient` that waits no longer than `seconds`, whatever a request allows; None leaves that to the request.

    Example:

        async with open_client(proxies=False) as client:
            host = KitHost(KitHttp(client, seconds=0.4))
    """

    client: HttpClient
    seconds: float | None = None

    async def request(self, method: str, url: str, *, timeout_seconds: float = 30, **values: Any) -> HttpAnswer:
        """Send a request and return the answer, as `HttpClient.request` says. Raise NotConnected, NoAnswer."""
        seconds = timeout_seconds if self.seconds is None else min(timeout_seconds, self.seconds)
        return await self.client.request(method, url, timeout_seconds=seconds, **values)


class NoKitHttp:
    """An `HttpClient` for places where a channel should ask nobody: `asked` is what it asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def request(self, method: str, url: str, **_: Any) -> HttpAnswer:
        """Note the request. Raise AssertionError."""
        self.asked.append(f"{method} {url}")
        raise AssertionError(f"{method} {url} was asked for where no network is used")


@dataclass(slots=True)
class KitHost:
    """A `Host` for tests.

    Example:

        async with open_client(proxies=False) as client:
            report = await channel.check(settings, KitHost(client))
    """

    http: HttpClient = field(default_factory=NoKitHttp)
    state: KitState = field(default_factory=KitState)
    webhook_url: str | None = "https://muster.example/webhooks/kit/1-kit"
