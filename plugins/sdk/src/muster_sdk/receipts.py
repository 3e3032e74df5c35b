"""Receipts: what a provider tells later of messages, by webhook or when it is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from muster_sdk.errors import ChannelError
from muster_sdk.host import Host

__all__ = [
    "InboundMessage",
    "Receipt",
    "ReceiptKind",
    "ReceiptPoller",
    "Receipts",
    "WebhookAnswer",
    "WebhookReader",
    "WebhookRefused",
    "WebhookRequest",
]


class ReceiptKind(StrEnum):
    """The kinds of evidence of what became of a message.

    ACCEPTED: the provider has it after all: the evidence that an `Ambiguous` one was sent. DELIVERED, OPENED (read),
    CLICKED: as they say, each implies those before. FAILED: not delivered, for the reason given. BOUNCED: not
    delivered, and no message to this address ever will be. COMPLAINED, UNSUBSCRIBED: the recipient wants no more, and
    has got this one. Of DELIVERED and a failure, the later one counts; what was read was delivered.

        ReceiptKind.DELIVERED
    """

    ACCEPTED = "ACCEPTED"
    DELIVERED = "DELIVERED"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    FAILED = "FAILED"
    BOUNCED = "BOUNCED"
    COMPLAINED = "COMPLAINED"
    UNSUBSCRIBED = "UNSUBSCRIBED"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Evidence of one message. It may come twice, late, or before the outcome of sending: the host sorts that out.

    - `kind`, `at`: what happened, and when, by the provider's clock. One without a time zone counts as UTC, one that is
      still to come as now.
    - `key`: the message's `Recipient.key`, where the provider gives it back; `provider_id`: the provider's ID, as
      `Accepted` had it. One of them is there.
    - `id`: the provider's ID of this event, if it has one: the same event is counted once by it. Without it, events of
      the same message, kind and moment are one.
    - `reason`: why it failed, of which 500 characters are kept, without the recipient's address; `url`: what was
      clicked, of 2,000 characters.

        Receipt(ReceiptKind.FAILED, at, provider_id="SM123", reason="30003 Unreachable handset")
    """

    kind: ReceiptKind
    at: datetime
    key: UUID | None = None
    provider_id: str | None = None
    id: str | None = None
    reason: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A message of a customer to the shop: it opens a conversation, where the channel has such windows.

    - `address`: the customer's, as `Recipient.address` has it; `at`: when, by the provider's clock.

        InboundMessage("81312345678", at)
    """

    address: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipts:
    """The findings of a poll: at most 10,000 of each kind.

    `more` is true if the provider has more to give right now: the host asks again at once.

        Receipts([Receipt(...)], more=len(page) == 100)
    """

    receipts: Sequence[Receipt] = ()
    inbound: Sequence[InboundMessage] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """An HTTP request of a provider, as it came.

    - `method`: in capitals; `url`: the whole public address, as some signatures cover it.
    - `query`: by name, decoded; of a name that came twice, the last.
    - `headers`: by name in lower case; `body`: the raw bytes, of 1,000,000 at most.
    - `received_at`: by the host's clock, with a time zone: a signature's moment is compared with it.

        WebhookRequest("POST", "https://muster.example/webhooks/sms/1-kq3", {}, {"x-signature": "…"}, b"{}", now)
    """

    method: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """The content of a webhook, and the answer that its provider gets once that is stored.

    A handshake, such as the echo of a challenge, has a `body` and no receipts. There are at most 10,000 of each kind.

    - `status`: from 200 to 499; a provider repeats what it gets another status than 2xx for.
    - `content_type`: text/plain, application/json, application/xml or text/xml; the text is in UTF-8. Anything else is
      answered without a body.

        WebhookAnswer(receipts)
        WebhookAnswer(body=request.query["hub.challenge"])
    """

    receipts: Sequence[Receipt] = ()
    inbound: Sequence[InboundMessage] = ()
    status: int = 200
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


class WebhookRefused(ChannelError):
    """A webhook is not the provider's: its signature is missing, wrong or too old. Raised by `read_webhook`.

    The request is answered with 401; the reason goes to the log, never to whoever sent it:

        raise WebhookRefused("the signature is another's")
    """


class WebhookReader(Protocol):
    """A channel with `Capabilities.webhooks`.

    Example:

        async def read_webhook(self, request, settings, host):
            expected = hmac.new(settings.secret.get_secret_value().encode(), request.body, "sha256").hexdigest()
            if not hmac.compare_digest(request.headers.get("x-signature", ""), expected):
                raise WebhookRefused("the signature is another's")
            return WebhookAnswer([_receipt(event) for event in json.loads(request.body)["events"]])
    """

    async def read_webhook(self, request: WebhookRequest, settings: Any, host: Host) -> WebhookAnswer:
        """Verify the request and read it, within 5 seconds and without asking anybody else where that is possible.

        Raise WebhookRefused for one that is not the provider's. Answer what is the provider's and says nothing with an
        empty `WebhookAnswer`. Called again for a repeated request. When it raises anything else, or takes too long, the
        provider is asked to repeat the request.
        """
        ...


class ReceiptPoller(Protocol):
    """A channel with `Capabilities.polling`: its provider has to be asked.

    Example:

        async def poll_receipts(self, settings, host):
            cursor = host.state.get("cursor", "")
            page = (await host.http.request("GET", f"{settings.api_base_url}/events", params={"after": cursor})).json()
            host.state.put("cursor", page["cursor"])
            return Receipts([_receipt(event) for event in page["events"]], more=page["more"])
    """

    async def poll_receipts(self, settings: Any, host: Host) -> Receipts:
        """Return what is new since the last time, by a cursor in `host.state`, which is stored with the receipts.

        Called every `Capabilities.polling`, by one process at a time. Raise Unreachable when the provider is away.
        """
        ...
