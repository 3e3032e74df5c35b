"""The tools that a channel's code is given for a call, wherever it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from muster_sdk import HttpAnswer, HttpClient, NotConnected

from domain.kit.errors import DomainError
from domain.kit.json_bounds import JsonBounds

# Of all keys of a store's channel.
_BOUNDS = JsonBounds(size=65_536, levels=16, entries=10_000, key=200, text=65_536)


@dataclass(slots=True)
class CallState:
    """The state of a channel in a store as a call finds it, and in `changes` what the call has put: None is deleted."""

    values: Mapping[str, Any]
    changes: dict[str, Any] = field(default_factory=dict[str, Any])

    def get(self, key: str, default: Any = None) -> Any:
        value = self.changes[key] if key in self.changes else self.values.get(key)
        return default if value is None else value

    def put(self, key: str, value: Any) -> None:
        changed = {name: kept for name, kept in {**self.values, **self.changes, key: value}.items() if kept is not None}
        try:
            # As it is stored, whatever becomes of the value meanwhile.
            kept = orjson.loads(orjson.dumps(value))
            _BOUNDS.check(changed, ("state",))
        except (TypeError, DomainError) as error:
            raise ValueError(f"{key!r} cannot be put into the state: {error}") from None
        self.changes[key] = kept

    def take(self) -> Mapping[str, Any]:
        """Return what was put since this was asked last."""
        changes, self.changes = self.changes, {}
        self.values = {**self.values, **changes}
        return changes


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
