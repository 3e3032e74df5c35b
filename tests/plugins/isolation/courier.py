"""A channel with receipts: its provider takes messages by HTTP, signs webhooks, and answers polls."""

import asyncio
import hmac
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from muster_sdk import (
    Accepted,
    AddressKind,
    Ambiguous,
    Capabilities,
    Channel,
    Composer,
    Host,
    InboundMessage,
    Message,
    MessageReference,
    NoAnswer,
    NotConnected,
    NotSent,
    Outcome,
    Receipt,
    ReceiptKind,
    Receipts,
    Recipient,
    Report,
    Shown,
    Templates,
    Unreachable,
    WebhookAnswer,
    WebhookRefused,
    WebhookRequest,
    hookimpl,
)
from pydantic import BaseModel, ConfigDict, Field, SecretStr

TOLERANCE = timedelta(minutes=5)


class CourierSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    api_base_url: str = Field(alias="apiBaseUrl")
    secret: SecretStr


class CourierContent(BaseModel):
    text: str = "Hi"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()


@dataclass(frozen=True)
class Letter:
    text: Callable[[Recipient], str]

    def compose(self, recipient: Recipient) -> Message:
        body = {"to": recipient.address, "key": str(recipient.key), "text": self.text(recipient)}
        until = recipient.conversation_until
        body["open_until"] = until.isoformat() if until else ""
        return Message(recipient.key, recipient.address, body, 200)

    def show(self, message: Message) -> Shown:
        return Shown(None, None, str(message.body), {})


@dataclass(frozen=True)
class Round:
    settings: CourierSettings
    host: Host

    async def send(self, messages: Sequence[Message], report: Report) -> None:
        for message in messages:
            if not report.begin(message):
                return
            report.end(message, await self._post(message.body))

    async def _post(self, body: object) -> Outcome:
        try:
            answer = await self.host.http.request("POST", f"{self.settings.api_base_url}/messages", json=body)
        except NotConnected as error:
            return NotSent(str(error))
        except NoAnswer as error:
            return Ambiguous(str(error))
        return Accepted(answer.json()["id"]) if answer.status == 200 else Ambiguous(f"status {answer.status}")


@dataclass(frozen=True)
class Courier:
    key: str = "courier"
    label: str = "Courier"
    version: str = "1.0"
    address: AddressKind = AddressKind.EMAIL
    settings: type[BaseModel] = CourierSettings
    content: type[BaseModel] = CourierContent
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            delivery_receipts=True,
            open_tracking=True,
            click_tracking=True,
            webhooks=True,
            polling=timedelta(minutes=1),
            reference=MessageReference.BOTH,
            conversation_window=timedelta(hours=24),
        )
    )

    def prepare(self, content: CourierContent, settings: CourierSettings | None, templates: Templates) -> Composer:
        template = templates.compile(content.text)
        return Letter(lambda recipient: template.render(recipient.variables))

    @asynccontextmanager
    async def connect(self, settings: CourierSettings, host: Host) -> AsyncGenerator[Round]:
        yield Round(settings, host)

    async def read_webhook(self, request: WebhookRequest, settings: CourierSettings, host: Host) -> WebhookAnswer:
        if request.method == "GET":
            return WebhookAnswer(body=request.query.get("challenge", ""))
        timestamp = request.headers.get("x-timestamp", "")
        expected = signature(settings.secret.get_secret_value(), timestamp, request.body)
        if not hmac.compare_digest(request.headers.get("x-signature", ""), expected):
            raise WebhookRefused("the signature is another's")
        if abs(request.received_at - datetime.fromtimestamp(int(timestamp), UTC)) > TOLERANCE:
            raise WebhookRefused("it is too old")
        told = json.loads(request.body)
        match told.get("misdeed"):
            case "raise":
                raise RuntimeError(settings.secret.get_secret_value())
            case "hang":
                await asyncio.sleep(3600)
            case _:
                pass
        host.state.put("webhooks", host.state.get("webhooks", 0) + 1)
        receipts, inbound = _read(told)
        return WebhookAnswer(receipts, inbound, told.get("status", 200), "ok", told.get("type", "text/plain"))

    async def poll_receipts(self, settings: CourierSettings, host: Host) -> Receipts:
        cursor: int = host.state.get("cursor", 0)
        try:
            answer = await host.http.request("GET", f"{settings.api_base_url}/events", params={"after": str(cursor)})
        except (NotConnected, NoAnswer) as error:
            raise Unreachable(str(error)) from error
        page = answer.json()
        host.state.put("cursor", page["cursor"])
        receipts, inbound = _read(page)
        return Receipts(receipts, inbound, more=page["more"])


def _read(told: dict[str, Any]) -> tuple[list[Receipt], list[InboundMessage]]:
    receipts = [
        Receipt(
            ReceiptKind(event["kind"]),
            datetime.fromisoformat(event["at"]),
            UUID(event["key"]) if event.get("key") else None,
            event.get("provider_id"),
            event.get("id"),
            event.get("reason"),
            event.get("url"),
        )
        for event in told.get("events", [])
    ]
    inbound = [
        InboundMessage(message["from"], datetime.fromisoformat(message["at"])) for message in told.get("inbound", [])
    ]
    return receipts, inbound


@hookimpl
def register_channels() -> list[Channel]:
    return [Courier()]
