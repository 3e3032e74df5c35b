"""The pigeon post's provider, and what its author says of it to the contract."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from muster_sdk import Channel, Receipt, ReceiptKind, Recipient, WebhookAnswer, WebhookRequest
from muster_sdk.testing import Act, Attempt, ContractSubject, HttpDouble, HttpReply, HttpRequest, SentMessage

from tests.plugins.sdk.pigeon_post import MOST_MESSAGES, WINDOW, PigeonPost, PigeonSettings, signature

TOKEN = "token-4711-ab"
_NAMES = {ReceiptKind.DELIVERED: "arrived", ReceiptKind.FAILED: "lost", ReceiptKind.OPENED: "read"}
_STATUSES = {Act.REFUSE_RECIPIENT: "refused", Act.DEFER_RECIPIENT: "later"}


class Loft(HttpDouble):
    idempotent = True
    most_messages = MOST_MESSAGES

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Mapping[str, Any]] = []

    def is_authorized(self, request: HttpRequest) -> bool:
        return request.headers.get("authorization") == f"Bearer {TOKEN}"

    def messages_of(self, request: HttpRequest) -> Sequence[SentMessage]:
        if request.path != "/messages":
            return []
        return [SentMessage(entry["to"], entry["key"]) for entry in request.json() if len(entry["text"]) > 0]

    def reply(self, request: HttpRequest, attempts: Sequence[Attempt]) -> HttpReply:
        results = [
            {
                "id": attempt.provider_id,
                "status": _STATUSES.get(attempt.act, "taken"),
                "detail": f"{attempt.message.address} {request.headers['authorization']}",
            }
            for attempt in attempts
        ]
        return HttpReply(207, {"results": results})

    def reply_other(self, request: HttpRequest) -> HttpReply:
        match request.path:
            case "/me":
                return HttpReply(200, {"name": "The shop's loft"})
            case "/events":
                after = int(request.query["after"])
                page = self.events[after : after + 2]
                more = after + 2 < len(self.events)
                return HttpReply(200, {"events": page, "cursor": after + len(page), "more": more})
            case _:
                return super().reply_other(request)


class PigeonSubject(ContractSubject):
    channel: Channel = PigeonPost()
    provider = Loft
    records_grade = False
    content: ClassVar = {"text": "Hi {{ customer.name }}", "html": "<p>Hi {{ customer.name }}</p>"}
    bad_settings: ClassVar = [
        ({"loft": "north", "token": TOKEN, "webhookSecret": "x", "apiBaseUrl": "ftp://x"}, ("apiBaseUrl",)),
        ({"loft": "", "token": TOKEN, "webhookSecret": "x"}, ("loft",)),
        ({"loft": "north", "token": TOKEN, "webhookSecret": "x", "more": 1}, ("more",)),
    ]
    bad_content: ClassVar = [({"text": ""}, ("text",)), ({"text": "x", "html": "{% if %}"}, ("html",))]
    webhook_window = WINDOW

    def good_settings(self, provider: Loft) -> Mapping[str, Any]:
        return {"apiBaseUrl": provider.url, "token": TOKEN, "webhookSecret": "whsec-0815-cd", "loft": "north"}

    def webhook_body(self, receipts: Sequence[Receipt]) -> bytes:
        return json.dumps({"events": [event(receipt) for receipt in receipts]}).encode()

    def unknown_webhook_body(self) -> bytes:
        return b'{"events": [{"id": "event-9", "kind": "moulted"}]}'

    def sign_webhook(self, body: bytes, at: datetime, settings: PigeonSettings, url: str) -> WebhookRequest:
        headers = {"content-type": "application/json", "x-loft-time": str(int(at.timestamp()))}
        request = WebhookRequest("POST", url, {}, headers, body, at)
        return replace(request, headers={**headers, "x-loft-signature": signature(request, settings)})

    def handshake(self, settings: PigeonSettings, url: str) -> tuple[WebhookRequest, WebhookAnswer] | None:
        request = self.sign_webhook(b"", datetime.fromisoformat("2026-03-01T12:00Z"), settings, url)
        return replace(request, method="GET", query={"challenge": "coo"}), WebhookAnswer(body="coo")

    def offer_receipts(self, provider: Loft, receipts: Sequence[Receipt]) -> None:
        provider.events += [event(receipt) for receipt in receipts]


class SandboxedSubject(PigeonSubject):
    """A pigeon post whose provider has a sandbox, which `SANDBOX` is."""

    SANDBOX: ClassVar[Loft]

    def sandbox(self) -> tuple[Mapping[str, Any], Recipient] | None:
        return self.good_settings(self.SANDBOX), self.recipient(1)


def event(receipt: Receipt) -> Mapping[str, Any]:
    return {
        "id": receipt.id,
        "kind": _NAMES[receipt.kind],
        "time": int(receipt.at.timestamp()),
        "key": str(receipt.key),
        "message": receipt.provider_id,
        "reason": receipt.reason,
    }
