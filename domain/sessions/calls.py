"""Calls of a channel's methods besides sending, wherever its code runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar, cast

from muster_sdk import (
    AccountLimits,
    AccountReport,
    AudienceMember,
    Authorization,
    DeliveryNotice,
    KeptAudience,
    Receipts,
    WebhookAnswer,
    WebhookRequest,
)
from pydantic import TypeAdapter

T = TypeVar("T")

# Stands before an observer's key where a channel's would be.
OBSERVER = "observer:"


@dataclass(frozen=True, slots=True)
class ChannelCall(Generic[T]):
    """A method of a channel: called with `before`, the store's settings, `after` and, unless `bare`, a host.

    `answer` is the type of what it returns. `open_settings`: it takes the settings as a mapping, unchecked. `alone`: it
    is called with `before` and nothing else.
    """

    method: str
    answer: Any
    seconds: float
    before: tuple[Any, ...] = ()
    after: tuple[Any, ...] = ()
    bare: bool = False
    open_settings: bool = False
    alone: bool = False

    def check(self, answer: object) -> T:
        """Return what the method has returned, once it has been through JSON. Raise ValueError, TypeError."""
        return self.decode(_adapter(self.answer).dump_json(answer, warnings="error"))

    def decode(self, answer: str | bytes) -> T:
        """Return the answer that `encode` made this text of. Raise ValueError."""
        return cast("T", _adapter(self.answer).validate_json(answer))

    def encode(self, answer: T) -> str:
        return _adapter(self.answer).dump_json(answer).decode()


@cache
def _adapter(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)


@dataclass(frozen=True, slots=True)
class CallContext:
    """The frame of a call of a store's channel: settings, by alias and with secrets, state, and webhooks' address."""

    channel: str
    settings: Mapping[str, Any]
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])
    webhook_url: str | None = None


@dataclass(frozen=True, slots=True)
class CallResult(Generic[T]):
    """The answer of a call, and the values that it has put into the channel's state: None is deleted."""

    value: T
    state_changes: Mapping[str, Any]


def check() -> ChannelCall[AccountReport]:
    return ChannelCall("check", AccountReport, 20)


def account_limits() -> ChannelCall[AccountLimits]:
    return ChannelCall("account_limits", AccountLimits, 5, bare=True)


def read_webhook(request: WebhookRequest) -> ChannelCall[WebhookAnswer]:
    return ChannelCall("read_webhook", WebhookAnswer, 5, before=(request,))


def poll_receipts() -> ChannelCall[Receipts]:
    return ChannelCall("poll_receipts", Receipts, 120)


def work() -> ChannelCall[dict[str, Any] | None]:
    return ChannelCall("work", dict[str, Any] | None, 60)


def authorization_url(redirect_url: str, state: str) -> ChannelCall[str]:
    return ChannelCall("authorization_url", str, 5, after=(redirect_url, state), bare=True, open_settings=True)


def authorize(authorization: Authorization) -> ChannelCall[dict[str, Any]]:
    return ChannelCall("authorize", dict[str, Any], 20, after=(authorization,), open_settings=True)


def open_audience(audience: KeptAudience) -> ChannelCall[str]:
    return ChannelCall("open_audience", str, 60, before=(audience,))


def add_members(provider_id: str, members: Sequence[AudienceMember]) -> ChannelCall[None]:
    return ChannelCall("add_members", None, 120, before=(provider_id, members))


def close_audience(provider_id: str) -> ChannelCall[None]:
    return ChannelCall("close_audience", None, 60, before=(provider_id,))


def observe(notices: Sequence[DeliveryNotice]) -> ChannelCall[None]:
    return ChannelCall("observe", None, 30, before=(notices,), alone=True)
