"""Reads the provider's webhooks: their signature first, then what became of messages."""

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from muster_sdk import Receipt, ReceiptKind, WebhookAnswer, WebhookRefused, WebhookRequest

from example_sms.settings import Settings

__all__ = ["WINDOW", "read_events", "sign"]

WINDOW = timedelta(minutes=5)
"""How old a signed request may be: what somebody recorded is refused later."""

_KINDS = {"delivered": ReceiptKind.DELIVERED, "failed": ReceiptKind.FAILED, "read": ReceiptKind.OPENED}


def sign(body: bytes, timestamp: str, settings: Settings) -> str:
    """Return the signature of a body that is sent at this moment, in seconds since 1970."""
    secret = settings.webhook_secret.get_secret_value().encode()
    return hmac.new(secret, timestamp.encode() + b"." + body, "sha256").hexdigest()


def read_events(request: WebhookRequest, settings: Settings) -> WebhookAnswer:
    """Return the receipts of a request. Raise WebhookRefused when it is not the provider's."""
    _verify(request, settings)
    try:
        events = json.loads(request.body)["events"]
        return WebhookAnswer([_receipt(event) for event in events if event["type"] in _KINDS])
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise WebhookRefused("the body is none that the provider documents") from error


def _verify(request: WebhookRequest, settings: Settings) -> None:
    timestamp = request.headers.get("x-timestamp", "")
    signature = request.headers.get("x-signature", "")
    if not hmac.compare_digest(signature.encode(), sign(request.body, timestamp, settings).encode()):
        raise WebhookRefused("the signature is missing or another's")
    # What is signed is the provider's own: a number.
    if abs(request.received_at.timestamp() - int(timestamp)) > WINDOW.total_seconds():
        raise WebhookRefused("the signature is too old")


def _receipt(event: Mapping[str, Any]) -> Receipt:
    return Receipt(
        _KINDS[event["type"]],
        datetime.fromtimestamp(event["time"], UTC),
        provider_id=event["message"],
        id=event["id"],
        reason=event.get("reason"),
    )
