"""Muster's contract of channels, against the local provider."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from muster_sdk import Channel, Grade, Receipt, ReceiptKind, WebhookRequest
from muster_sdk.testing import ChannelContract

from example_sms import ExampleSms
from example_sms.settings import Settings
from example_sms.webhook import WINDOW, sign

from .provider import SECRET, TOKEN, LocalProvider

_TYPES = {ReceiptKind.DELIVERED: "delivered", ReceiptKind.FAILED: "failed", ReceiptKind.OPENED: "read"}
_GOOD = {"token": TOKEN, "webhookSecret": SECRET, "sender": "Shop"}


class TestExampleSms(ChannelContract):
    """The channel reaches silver: repeats are harmless, accounts wait, connections are checked."""

    channel: Channel = ExampleSms()
    provider = LocalProvider
    least_grade = Grade.SILVER
    webhook_window = WINDOW
    content: ClassVar[Mapping[str, Any]] = {"text": "Hi {{ customer.name }}"}
    bad_settings: ClassVar[Sequence[tuple[Mapping[str, Any], tuple[str | int, ...]]]] = [
        ({**_GOOD, "apiBaseUrl": "ftp://provider.example"}, ("apiBaseUrl",)),
        ({**_GOOD, "sender": ""}, ("sender",)),
        ({**_GOOD, "messagesPerSecond": 0}, ("messagesPerSecond",)),
        ({**_GOOD, "more": 1}, ("more",)),
    ]
    bad_content: ClassVar[Sequence[tuple[Mapping[str, Any], tuple[str | int, ...]]]] = [
        ({"text": ""}, ("text",)),
        ({"text": "{% if %}"}, ("text",)),
    ]

    def good_settings(self, provider: LocalProvider) -> Mapping[str, Any]:
        """Return settings that lead to the local provider."""
        return {**_GOOD, "apiBaseUrl": provider.url}

    def webhook_body(self, receipts: Sequence[Receipt]) -> bytes:
        """Return the body by which the provider tells these receipts."""
        return json.dumps({"events": [_event(receipt) for receipt in receipts]}).encode()

    def unknown_webhook_body(self) -> bytes:
        """Return an event that is no receipt."""
        return b'{"events": [{"id": "event-9", "type": "balance"}]}'

    def sign_webhook(self, body: bytes, at: datetime, settings: Settings, url: str) -> WebhookRequest:
        """Return the request as the provider signs it."""
        timestamp = str(int(at.timestamp()))
        headers = {
            "content-type": "application/json",
            "x-timestamp": timestamp,
            "x-signature": sign(body, timestamp, settings),
        }
        return WebhookRequest("POST", url, {}, headers, body, at)


def _event(receipt: Receipt) -> Mapping[str, Any]:
    return {
        "id": receipt.id,
        "type": _TYPES[receipt.kind],
        "time": receipt.at.timestamp(),
        "message": receipt.provider_id,
        "reason": receipt.reason,
    }
