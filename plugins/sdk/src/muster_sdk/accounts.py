"""Accounts at a provider: their limits, whether they work, and how a store connects one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

from muster_sdk.host import Host

__all__ = [
    "AccountLimiter",
    "AccountLimits",
    "AccountReport",
    "Authorization",
    "ConnectionTester",
    "OAuthConnector",
    "PeriodicWorker",
]

_ACCOUNT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """The pace at which an account may send. All workers together keep to it. Raise ValueError for what is none.

    - `account`: names the account, 1 to 200 characters, without secrets: a sender's number or a user's name. Settings
      that name the same account share its limits and its refusals (`AccountRefused`).
    - `per_second`: messages a second, on average, more than 0; None is no limit. `burst`: messages that may go out at
      once after a pause; 0 is those of a second. In no second more begin than both together.
    - `concurrency`: calls of `Transport.send` at the same time, 1 at least; None is no limit.

        AccountLimits("+12025550123", per_second=1, concurrency=1)
    """

    account: str
    per_second: float | None = None
    burst: int = 0
    concurrency: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.account) <= _ACCOUNT_LENGTH:
            raise ValueError(f"an account's name has 1 to {_ACCOUNT_LENGTH} characters, this one {len(self.account)}")
        if self.per_second is not None and not 0 < self.per_second < inf:
            raise ValueError(f"per_second is a number above 0, or None for no limit: not {self.per_second}")
        if self.burst < 0:
            raise ValueError(f"burst is a number of messages, 0 for those of a second: not {self.burst}")
        if self.concurrency is not None and self.concurrency < 1:
            raise ValueError(f"concurrency is 1 at least, or None for no limit: not {self.concurrency}")


class AccountLimiter(Protocol):
    """A channel with `Capabilities.account_limits`.

    Example:

        def account_limits(self, settings):
            return AccountLimits(settings.sender, per_second=settings.messages_per_second)
    """

    def account_limits(self, settings: Any) -> AccountLimits:
        """Return the limits of the account that the settings name. No network."""
        ...


@dataclass(frozen=True, slots=True)
class AccountReport:
    """A provider's description of an account.

    - `account`: who the settings are at the provider, for people: "Shop Ltd. (+1 202 555 0123)".
    - `problems`: why messages would not go out, each a sentence that says what to do; empty if all is well.

        AccountReport("Shop Ltd.", ["The sender +1 202 555 0123 is not verified: verify it in the provider's console"])
    """

    account: str
    problems: Sequence[str] = ()


class ConnectionTester(Protocol):
    """A channel with `Capabilities.connection_check`.

    Example:

        async def check(self, settings, host):
            me = await host.http.request("GET", f"{settings.api_base_url}/me", headers=_authorization(settings))
            if me.status == 401:
                raise Unreachable("The provider refuses the token")
            return AccountReport(me.json()["name"])
    """

    async def check(self, settings: Any, host: Host) -> AccountReport:
        """Ask the provider whose settings these are, and whether their sender may send; nobody gets a message.

        Within 20 seconds. Raise Unreachable when the provider is away or refuses the credentials.
        """
        ...


@dataclass(frozen=True, slots=True)
class Authorization:
    """The values that a provider sent to Muster's callback when somebody allowed the connection (RFC 6749 4.1.2).

    - `code`: exchanged for tokens; `redirect_url`: the callback's address, as the exchange must repeat it.
    - `query`: all that came in the callback's address, decoded.

        Authorization("4/P7q7W91", "https://muster.example/oauth/callback", {"code": "4/P7q7W91", "state": "…"})
    """

    code: str
    redirect_url: str
    query: Mapping[str, str]


class OAuthConnector(Protocol):
    """A channel with `Capabilities.oauth`: a store's staff connect an account at the provider's own page.

    Example:

        def authorization_url(self, settings, redirect_url, state):
            query = {"client_id": settings["client_id"], "redirect_uri": redirect_url, "state": state}
            return f"https://provider.example/oauth?{urlencode(query)}"
    """

    def authorization_url(self, settings: Mapping[str, Any], redirect_url: str, state: str) -> str:
        """Return the provider's page. `settings` are what the store has given so far, maybe not all the model asks.

        Raise ContentInvalid, with the path of the setting, where one is missing for that.
        """
        ...

    async def authorize(
        self, settings: Mapping[str, Any], authorization: Authorization, host: Host
    ) -> Mapping[str, Any]:
        """Exchange the code for tokens, and return the settings to add: the model checks all of them together then.

        Within 20 seconds. Raise Unreachable when the provider refuses the code.
        """
        ...


class PeriodicWorker(Protocol):
    """A channel with `Capabilities.periodic`: work that is due by itself, such as renewing a token.

    Example:

        async def work(self, settings, host):
            token = await _renew(settings, host)
            return {"accessToken": token}
    """

    async def work(self, settings: Any, host: Host) -> Mapping[str, Any] | None:
        """Do what is due, within 60 seconds, and return settings to change, by alias; None changes nothing.

        Called every `Capabilities.periodic` for each store with settings, by one process at a time.
        """
        ...
