"""The words of a channel's author about it, for the contract's tests."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid5

from muster_sdk.channel import AddressKind, Channel, Recipient, Transport
from muster_sdk.grades import Grade
from muster_sdk.host import Host
from muster_sdk.outcomes import Ambiguous, Outcome
from muster_sdk.receipts import Receipt, WebhookAnswer, WebhookRequest
from muster_sdk.testing.double import ProviderDouble

__all__ = ["BadValues", "ContractSubject"]

BadValues = Sequence[tuple[Mapping[str, Any], tuple[str | int, ...]]]
"""Values that are refused, each with the path to what is wrong with it, in the names of its JSON."""

_KEYS = UUID("5f0e3c3e-7a3b-5b6f-9d52-000000000000")


class ContractSubject:
    """The part of `ChannelContract` that an author overrides: the first six always, the others where they fit.

    - `channel`: the channel; `provider`: a class of doubles, or a function that makes one.
    - `content`: a campaign's content, which uses `{{ customer.name }}` in a part that recipients read.
    - `bad_settings`, `bad_content`: values that are refused, with the path to what is wrong.
    - `failure_outcomes`: the outcomes that an answer such as HTTP's 500 may have. `Ambiguous` alone, unless the
      provider documents that it has sent nothing: then also its double has `failure_takes = False`.
    - `patience`: the seconds that a send may take at most; the host ends a channel that is silent for 120.
    - `webhook_window`: how old a signed webhook may be; None if the provider signs no time.
    - `webhook_signs_body`: False for a provider that signs nothing of the body, such as one with basic authentication.
    - `least_grade`: the grade below which the suite fails; None takes any.
    - `records_grade`: whether the grade that is reached is written beside the channel's module.

        class TestPigeons(ChannelContract):
            channel = Pigeons()
            provider = LoftDouble
            content: ClassVar = {"text": "Hi {{ customer.name }}"}
            bad_settings: ClassVar = [({"token": "t"}, ("apiBaseUrl",))]
            bad_content: ClassVar = [({"text": ""}, ("text",))]

            def good_settings(self, provider):
                return {"apiBaseUrl": provider.url, "token": "token-4711"}
    """

    channel: Channel
    provider: Callable[[], ProviderDouble]
    content: ClassVar[Mapping[str, Any]]
    bad_settings: ClassVar[BadValues]
    bad_content: ClassVar[BadValues]
    failure_outcomes: ClassVar[tuple[type[Outcome], ...]] = (Ambiguous,)
    patience: ClassVar[float] = 120
    webhook_window: ClassVar[timedelta | None] = None
    webhook_signs_body: ClassVar[bool] = True
    least_grade: ClassVar[Grade | None] = None
    records_grade: ClassVar[bool] = True

    def good_settings(self, provider: Any) -> Mapping[str, Any]:
        """Return settings, by alias, that lead to the double: by `provider.url`, or its `port`, which may change.

        Their secrets have 8 characters at least and are in nothing else, so that they can be searched for.
        """
        raise NotImplementedError(f"say by good_settings how {type(self).__name__} reaches its provider's double")

    def bad_credentials(self, provider: Any) -> Mapping[str, Any] | None:
        """Return settings whose credentials the double refuses; None if the provider has none.

        Unless overridden, they are the good ones with other secrets.
        """
        return _with_other_secrets(self.channel, self.good_settings(provider))

    def address(self, number: int) -> str:
        """Return the address of the recipient with this number (0 to 9,999), of the channel's kind."""
        match self.channel.address:
            case AddressKind.EMAIL:
                return f"c{number}@example.com"
            case AddressKind.PHONE:
                return f"+1202555{number:04}"
            case AddressKind.HANDLE:
                return f"handle-{number}"

    def recipient(self, number: int, name: str = "Ann", address: str | None = None, generation: int = 0) -> Recipient:
        """Return the recipient with this number, always the same; another `generation` is another delivery."""
        return Recipient(
            uuid5(_KEYS, f"{number} {generation}"),
            self.address(number) if address is None else address,
            {"customer": {"name": name, "property": {}}, "store": {"name": "Shop"}},
            unsubscribe_url=f"https://muster.example/unsubscribe/{number}",
        )

    def connect(self, settings: Any, host: Host) -> AbstractAsyncContextManager[Transport]:
        """Connect. Override it for a channel that does not use `host.http`, to shorten its waits: see `patience`."""
        return self.channel.connect(settings, host)

    def sandbox(self) -> tuple[Mapping[str, Any], Recipient] | None:
        """Return settings and a recipient of the provider's own sandbox, from your CI's secrets; None without."""
        return None

    def webhook_body(self, receipts: Sequence[Receipt]) -> bytes:
        """Return the body by which the provider tells these receipts, as its documentation has it."""
        raise NotImplementedError(f"say by webhook_body how the provider tells {len(receipts)} receipts")

    def unknown_webhook_body(self) -> bytes:
        """Return the body of an event of the provider that the channel makes nothing of."""
        raise NotImplementedError("say by unknown_webhook_body what the channel makes nothing of")

    def sign_webhook(self, body: bytes, at: datetime, settings: Any, url: str) -> WebhookRequest:
        """Return the request with this body that the provider signs at this moment, which is also `received_at`."""
        raise NotImplementedError(f"say by sign_webhook how the provider signs {len(body)} bytes")

    def handshake(self, settings: Any, url: str) -> tuple[WebhookRequest, WebhookAnswer] | None:
        """Return the request by which the provider checks the address of webhooks, and the answer; None without."""
        del settings, url
        return None

    def offer_receipts(self, provider: Any, receipts: Sequence[Receipt]) -> None:
        """Have the double tell these receipts, behind those of before, to whoever polls."""
        raise NotImplementedError(f"say by offer_receipts how the double tells {len(receipts)} receipts")


def _with_other_secrets(channel: Channel, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    properties: Mapping[str, Any] = channel.settings.model_json_schema().get("properties", {})
    secrets = {name for name, schema in properties.items() if "writeOnly" in str(schema)} & values.keys()
    return {**values, **{name: f"wrong-{values[name]}"[::-1] for name in secrets}} if secrets else None
