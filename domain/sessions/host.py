"""The tools that a channel's code is given for a call, wherever it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from muster_sdk import HttpAnswer, HttpClient, NotConnected

MAX_STATE_BYTES = 65_536


@dataclass(slots=True)
class CallState:
    """The state of a channel in a store as a call finds it, and in `changes` what the call has put: None is deleted."""

    values: Mapping[str, Any]
    changes: dict[str, Any] = field(default_factory=dict[str, Any])

    def get(self, key: str, default: Any = None) -> Any:
        value = self.changes[key] if key in self.changes else self.values.get(key)
        return default if value is None else value

    def put(self, key: str, value: Any) -> None:
        try:
            size = len(orjson.dumps({**self.values, **self.changes, key: value}))
        except TypeError as error:
            raise ValueError(f"{key!r} is no value of JSON: {error}") from None
        if size > MAX_STATE_BYTES:
            raise ValueError(f"the state would take {size:,} bytes, of {MAX_STATE_BYTES:,} at most")
        self.changes[key] = value


class NoHttp:
    """A client for places where no channel's code should ask anybody."""

    async def request(self, method: str, url: str, **_: Any) -> HttpAnswer:
        raise NotConnected(f"{method} {url} was asked for where there is no HTTP")


@dataclass(frozen=True, slots=True)
class CallHost:
    """The SDK's `Host`."""

    http: HttpClient = field(default_factory=NoHttp)
    state: CallState = field(default_factory=lambda: CallState({}))
    webhook_url: str | None = None
