"""A channel by HTTP with all that the SDK has for one: it is what the contract's tests are tested with."""

import hmac
import json
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from muster_sdk import (
    Accepted,
    AccountLimits,
    AccountRefused,
    AccountReport,
    AddressKind,
    Ambiguous,
    Capabilities,
    Composer,
    ContentInvalid,
    ContentWarning,
    Estimate,
    Host,
    HttpAnswer,
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
    Rejected,
    Report,
    Shown,
    Template,
    TemplateInvalid,
    Templates,
    Transport,
    TryAgain,
    Unreachable,
    WebhookAnswer,
    WebhookRefused,
    WebhookRequest,
)
from pydantic import BaseModel, ConfigDict, SecretStr, StringConstraints
from pydantic.alias_generators import to_camel

log = logging.getLogger(__name__)
MOST_MESSAGES = 50
WINDOW = timedelta(minutes=5)
_KINDS = {"arrived": ReceiptKind.DELIVERED, "lost": ReceiptKind.FAILED, "read": ReceiptKind.OPENED}


class PigeonSettings(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    api_base_url: Annotated[str, StringConstraints(pattern="^https?://")] = "https://api.pigeons.example"
    token: SecretStr
    webhook_secret: SecretStr
    loft: Annotated[str, StringConstraints(min_length=1, max_length=50)]


class PigeonContent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[str, StringConstraints(min_length=1)]
    html: str | None = None


@dataclass(frozen=True)
class Note:
    text: str
    html: str | None


@dataclass
class NoteComposer:
    text: Template
    html: Template | None

    def compose(self, recipient: Recipient) -> Message:
        html = None if self.html is None else self.html.render(recipient.variables)
        note = Note(self.text.render(recipient.variables), html)
        return Message(recipient.key, recipient.address, note, len(note.text) + len(note.html or "") + 100)

    def show(self, message: Message) -> Shown:
        note = note_of(message)
        return Shown(None, note.html, note.text, {"to": message.address, "text": note.text, "html": note.html})

    def review(self, message: Message) -> list[ContentWarning]:
        heavy = len(note_of(message).text) > 160
        return [ContentWarning("WEIGHT", "A pigeon carries 160 characters", ("text",))] if heavy else []

    def estimate(self, message: Message) -> Estimate:
        parts = 1 + len(note_of(message).text) // 160
        return Estimate(parts, parts * Decimal("0.5"), "GBP")


def note_of(message: Message) -> Note:
    assert isinstance(message.body, Note)
    return message.body


class PigeonTransport:
    def __init__(self, settings: PigeonSettings, host: Host) -> None:
        self.settings, self.host = settings, host

    async def send(self, messages: Sequence[Message], report: Report) -> None:
        begun: list[Message] = []
        for message in messages:
            if not report.begin(message):
                break
            begun.append(message)
        if begun:
            outcomes = await self.post(begun)
            for message in begun:
                report.end(message, outcomes[message.key])

    async def post(self, messages: Sequence[Message]) -> Mapping[UUID, Outcome]:
        try:
            answer = await self.ask(messages)
        except NotConnected as error:
            return dict.fromkeys((message.key for message in messages), NotSent(str(error)))
        except NoAnswer as error:
            return dict.fromkeys((message.key for message in messages), Ambiguous(str(error)))
        return self.read(messages, answer)

    async def ask(self, messages: Sequence[Message]) -> HttpAnswer:
        entries = [
            {"key": self.key(message), "to": message.address, "text": note_of(message).text} for message in messages
        ]
        return await self.host.http.request(
            "POST", f"{self.settings.api_base_url}/messages", headers=authorization(self.settings), json=entries
        )

    def key(self, message: Message) -> str:
        return str(message.key)

    def read(self, messages: Sequence[Message], answer: HttpAnswer) -> Mapping[UUID, Outcome]:
        keys = [message.key for message in messages]
        if answer.status in {401, 429}:
            return dict.fromkeys(keys, AccountRefused(f"The loft answers {answer.status}", after=answer.retry_after))
        if answer.status == 413:
            return dict.fromkeys(keys, Rejected("The loft takes fewer messages at once"))
        try:
            entries: list[dict[str, str]] = answer.json()["results"]
            return {key: self.outcome(entry) for key, entry in zip(keys, entries, strict=True)}
        except (ValueError, KeyError, TypeError):
            return dict.fromkeys(keys, Ambiguous(f"The loft's answer ({answer.status}) makes no sense"))

    def outcome(self, entry: Mapping[str, str]) -> Outcome:
        match entry["status"]:
            case "taken":
                return Accepted(entry["id"])
            case "later":
                return TryAgain("The loft is full")
            case _:
                return Rejected("There is no such loft")


@dataclass(frozen=True)
class PigeonPost:
    key: str = "pigeon-post"
    label: str = "Pigeon post"
    version: str = "1.2"
    address: AddressKind = AddressKind.HANDLE
    settings: type[BaseModel] = PigeonSettings
    content: type[BaseModel] = PigeonContent
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            max_batch=MOST_MESSAGES,
            idempotency=timedelta(hours=24),
            delivery_receipts=True,
            open_tracking=True,
            webhooks=True,
            polling=timedelta(minutes=5),
            reference=MessageReference.BOTH,
            connection_check=True,
            account_limits=True,
            content_review=True,
            estimates=True,
        )
    )

    def prepare(self, content: PigeonContent, settings: PigeonSettings | None, templates: Templates) -> Composer:
        text = compiled(templates, "text", content.text)
        html = None if content.html is None else compiled(templates, "html", content.html, html=True)
        return NoteComposer(text, html)

    @asynccontextmanager
    async def connect(self, settings: PigeonSettings, host: Host) -> AsyncGenerator[Transport]:
        yield PigeonTransport(settings, host)

    async def check(self, settings: PigeonSettings, host: Host) -> AccountReport:
        answer = await asked(host, settings, "/me")
        if answer.status == 401:
            raise Unreachable("The loft refuses the token")
        return AccountReport(str(answer.json()["name"]))

    def account_limits(self, settings: PigeonSettings) -> AccountLimits:
        return AccountLimits(settings.loft, per_second=100, concurrency=4)

    async def read_webhook(self, request: WebhookRequest, settings: PigeonSettings, host: Host) -> WebhookAnswer:
        if request.method == "GET":
            return WebhookAnswer(body=request.query.get("challenge", "")[:100])
        self.verify(request, settings)
        try:
            return WebhookAnswer(self.receipts(json.loads(request.body)["events"]))
        except (ValueError, KeyError, TypeError) as error:
            raise WebhookRefused("the body is none of the loft's") from error

    def verify(self, request: WebhookRequest, settings: PigeonSettings) -> None:
        signed_at = request.headers.get("x-loft-time", "")
        if not hmac.compare_digest(request.headers.get("x-loft-signature", ""), signature(request, settings)):
            raise WebhookRefused("the signature is another's")
        if not signed_at.isdigit() or abs(request.received_at.timestamp() - int(signed_at)) > WINDOW.total_seconds():
            raise WebhookRefused("the signature is too old")

    async def poll_receipts(self, settings: PigeonSettings, host: Host) -> Receipts:
        answer = await asked(host, settings, "/events", after=str(host.state.get("cursor", "0")))
        page = answer.json()
        host.state.put("cursor", page["cursor"])
        return Receipts(self.receipts(page["events"]), more=page["more"])

    def receipts(self, events: Sequence[Mapping[str, Any]]) -> list[Receipt]:
        return [self.receipt(event) for event in events if event["kind"] in _KINDS]

    def receipt(self, event: Mapping[str, Any]) -> Receipt:
        return Receipt(
            _KINDS[event["kind"]],
            datetime.fromtimestamp(event["time"], UTC),
            key=UUID(event["key"]),
            provider_id=event["message"],
            id=event["id"],
            reason=event.get("reason"),
        )


def compiled(templates: Templates, name: str, source: str, *, html: bool = False) -> Template:
    try:
        return templates.compile(source, html=html)
    except TemplateInvalid as error:
        raise ContentInvalid(error.message, (name,)) from error


async def asked(host: Host, settings: PigeonSettings, path: str, **query: str) -> HttpAnswer:
    url = f"{settings.api_base_url}{path}"
    try:
        return await host.http.request("GET", url, headers=authorization(settings), params=query)
    except (NotConnected, NoAnswer) as error:
        raise Unreachable(str(error)) from error


def authorization(settings: PigeonSettings) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {settings.token.get_secret_value()}"}


def signature(request: WebhookRequest, settings: PigeonSettings) -> str:
    signed = request.headers.get("x-loft-time", "").encode() + b"." + request.body
    return hmac.new(settings.webhook_secret.get_secret_value().encode(), signed, "sha256").hexdigest()
