"""The host's tools for a channel's code: an HTTP client, a small state, and the address of its webhooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

__all__ = ["Host", "HttpAnswer", "HttpClient", "State"]


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A provider's answer to an HTTP request.

    - `status`: the status code; any of them is an answer, also 404 and 500.
    - `headers`: by name in lower case; of a header that came twice, the last.
    - `body`: the whole body.

        HttpAnswer(202, {"content-type": "application/json"}, b'{"id": "m1"}')
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON. Raise ValueError when it is none."""
        import json  # noqa: PLC0415 - most channels ask for it, some never do

        return json.loads(self.body)

    @property
    def retry_after(self) -> timedelta | None:
        """The time that the provider asks to wait (RFC 9110 10.2.3, in seconds); None without such a header.

        answer.retry_after or timedelta(seconds=30)
        """
        value = self.headers.get("retry-after", "").strip()
        return timedelta(seconds=int(value)) if value.isascii() and value.isdigit() and len(value) < 8 else None


class HttpClient(Protocol):
    """One pool of HTTP connections, shared by all that a channel's process does.

    Each request has a limit on its time (30 seconds unless given) and on its answer's bytes (4,000,000). Redirects are
    answers: nothing is followed. A request goes to a public address only, unless the operator allows others.

        answer = await host.http.request("POST", f"{settings.api_base_url}/messages", json={"to": address})
    """

    async def request(  # noqa: PLR0913 - as many things make a request
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: object | None = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        basic_auth: tuple[str, str] | None = None,
        timeout_seconds: float = 30,
    ) -> HttpAnswer:
        """Send a request, with at most one of `json`, `form` and `body`, and return the answer.

        Raise NotConnected when nothing was sent: the outcome of its messages is `NotSent`. Raise NoAnswer when the
        request may have arrived: their outcome is `Ambiguous`.

            try:
                answer = await host.http.request("POST", url, json=payload)
            except NotConnected as error:
                return NotSent(str(error))
            except NoAnswer as error:
                return Ambiguous(str(error))
        """
        ...


class State(Protocol):
    """A small memory of the channel in one store: quotas, cursors, tokens of pages. 65,536 bytes of JSON in all.

    Keys have 200 characters at most. Nothing of a person belongs there: an erasure does not look into it.

    What a call has put is stored when the call returns, and dropped when it raises. Calls that run at the same time
    may both put a key: the last to return wins.

        used = host.state.get("quota_used", 0)
        host.state.put("quota_used", used + len(messages))
    """

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of the key, in the types of JSON."""
        ...

    def put(self, key: str, value: Any) -> None:
        """Set the key's value, of the types of JSON; None deletes it. Raise ValueError for what is too large."""
        ...


class Host(Protocol):
    """The tools that each call of a channel is given that may speak with its provider.

    - `http`: the shared HTTP client.
    - `state`: the channel's memory in this store.
    - `webhook_url`: the address at which Muster takes this store's webhooks of the channel; None where the server has
      no public address.

        host.webhook_url  # "https://muster.example/webhooks/sms/1-kq3…"
    """

    @property
    def http(self) -> HttpClient: ...
    @property
    def state(self) -> State: ...
    @property
    def webhook_url(self) -> str | None: ...
