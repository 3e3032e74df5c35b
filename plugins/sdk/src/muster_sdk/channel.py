"""Channels: they compose messages from content and recipients, and hand them to a provider."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel

from muster_sdk.host import Host
from muster_sdk.outcomes import Outcome

__all__ = [
    "AddressKind",
    "Capabilities",
    "Channel",
    "Composer",
    "Message",
    "MessageReference",
    "Recipient",
    "Report",
    "Shown",
    "Template",
    "Templates",
    "Transport",
]


class AddressKind(StrEnum):
    """The kind of address that a channel delivers to.

    A customer's own contact for the channel comes first. Where there is none, the host falls back to the
    customer's e-mail address for EMAIL and phone number (E.164) for PHONE; HANDLE (a provider's user id) has
    no fallback.

        address = AddressKind.PHONE
    """

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    HANDLE = "HANDLE"


class MessageReference(StrEnum):
    """By what a receipt names its message: the provider's ID (`Accepted.provider_id`), our key, or either of them.

    NONE: the channel has no receipts. The host keeps what it needs to find the message again, and no more.

        MessageReference.KEY
    """

    NONE = "NONE"
    PROVIDER_ID = "PROVIDER_ID"
    KEY = "KEY"
    BOTH = "BOTH"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The abilities of a channel and its provider. What is declared here, the channel has the methods for.

    - `max_batch`: the most messages that one `Transport.send` takes.
    - `idempotency`: the time for which the provider ignores a message whose key it has seen; None if it does not.
      Within this time the host retries messages with the outcome `Ambiguous`; without it, never.
    - `delivery_receipts`, `open_tracking`, `click_tracking`: the events that the provider reports back. They come by
      `webhooks` (`WebhookReader`) or by `polling`, as often as that says (`ReceiptPoller`), and name their message by
      `reference`.
    - `conversation_window`: how long after a customer's message the provider lets the shop write freely; None if that
      makes no difference. `Recipient.conversation_until` says whether somebody is within it.
    - `connection_check`: true for a `ConnectionTester`; `account_limits`: for an `AccountLimiter`; `oauth`: for an
      `OAuthConnector`; `audience_sync`: for an `AudienceKeeper`.
    - `content_review`, `estimates`: true if its composers are a `MessageReviewer`, a `CostEstimator`.
    - `periodic`: how often a `PeriodicWorker` works; None for a channel that is none. Both times are a minute at least.

        capabilities = Capabilities(max_batch=100, idempotency=timedelta(hours=24))
    """

    max_batch: int = 500
    idempotency: timedelta | None = None
    delivery_receipts: bool = False
    open_tracking: bool = False
    click_tracking: bool = False
    webhooks: bool = False
    polling: timedelta | None = None
    reference: MessageReference = MessageReference.NONE
    conversation_window: timedelta | None = None
    connection_check: bool = False
    account_limits: bool = False
    oauth: bool = False
    audience_sync: bool = False
    content_review: bool = False
    estimates: bool = False
    periodic: timedelta | None = None

    @property
    def idempotent(self) -> bool:
        """True if sending one key twice delivers once."""
        return self.idempotency is not None


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person who gets a message.

    - `key`: the delivery's identity, the same on every attempt. A provider's idempotency key derives from it.
    - `address`: an address of the channel's `AddressKind`; of EMAIL, as `canonical_email` has it. The host checks it
      when it comes in, not again: one that an earlier release stored may hold anything.
    - `variables`: the variables of templates, `{"customer": {"name": ..., "property": {...}}, "store": {...}}`.
    - `unsubscribe_url`: opens the recipient's page for opting out; a POST to it opts out.
    - `conversation_until`: when the window closes that the customer's last message opened; None outside of one.

        Recipient(key=uuid4(), address="ann@example.com", variables={"customer": {"name": "Ann"}})
    """

    key: UUID
    address: str
    variables: Mapping[str, object]
    unsubscribe_url: str | None = None
    conversation_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One recipient's message, ready to send.

    - `key`, `address`: the recipient's.
    - `body`: a value of the channel's own; only its transport and `Composer.show` read it.
    - `size`: the bytes of memory that the message takes, about. The host limits the messages in memory by it.

        Message(key=recipient.key, address=recipient.address, body=text, size=len(text))
    """

    key: UUID
    address: str
    body: object
    size: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as staff see it in a preview, or in a sandbox's records.

    - `subject`, `html`, `text`: the parts that the channel has; None for the others.
    - `payload`: the request to the provider, in values that JSON has. No secrets.

        Shown(subject=None, html=None, text="Hi Ann", payload={"To": "+81312345678", "Body": "Hi Ann"})
    """

    subject: str | None
    html: str | None
    text: str | None
    payload: Mapping[str, object]


class Template(Protocol):
    """A compiled template.

    Example:

        template.render({"customer": {"name": "Ann"}})
    """

    def render(self, variables: Mapping[str, object]) -> str:
        """Return the text for these variables; a missing variable is empty.

        Raise TemplateInvalid when the template fails or exceeds the host's limits on work (fuel) and length.
        """
        ...


class Templates(Protocol):
    """The host's template engine: Jinja's language, within limits that make untrusted templates harmless."""

    def compile(self, source: str, *, html: bool = False) -> Template:
        """Compile a template, once for a campaign. With `html`, the values of variables are escaped.

        Raise TemplateInvalid with the line that has the error.

            greeting = templates.compile("Hi {{ customer.name }}")
        """
        ...


class Composer(Protocol):
    """A campaign's content, ready to compose messages from. No network; safe to call in any thread.

    Example:

        composer = channel.prepare(content, settings, templates)
        message = composer.compose(recipient)
    """

    def compose(self, recipient: Recipient) -> Message:
        """Return the recipient's message, the same for the same recipient every time.

        Raise ContentInvalid or TemplateInvalid when that is impossible: the delivery fails with the error's text.
        """
        ...

    def show(self, message: Message) -> Shown:
        """Return the message as staff see it."""
        ...


class Report(Protocol):
    """Takes down what becomes of each message, at once: what is reported here is not forgotten when a process dies.

    Example:

        if report.begin(message):
            report.end(message, await post(message))
    """

    @property
    def deadline(self) -> float:
        """The time, in seconds of `time.monotonic()`, from which on `begin` answers False."""
        ...

    def begin(self, message: Message) -> bool:
        """Report that the message is about to leave: called once, right before the byte that may complete it.

        False forbids that: do not send this message nor any other. The host sends them later.
        """
        ...

    def end(self, message: Message, outcome: Outcome) -> None:
        """Report the outcome, as soon as it is known. A message that never began may end too: `NotSent`, `Rejected`."""
        ...


class Transport(Protocol):
    """An open connection to the provider.

    Example:

        await transport.send(messages, report)
    """

    async def send(self, messages: Sequence[Message], report: Report) -> None:
        """Send at most `Capabilities.max_batch` messages, and report each one's begin and end.

        What has begun and has not ended when this returns or raises is `Ambiguous`; what has not begun is sent later,
        as if it had not been handed over. Every wait for the provider needs a timeout, 120 seconds at most: a
        transport that reports nothing for longer is taken for hung, and its process is ended.

            async def send(self, messages: Sequence[Message], report: Report) -> None:
                for message in messages:
                    if not report.begin(message):
                        return
                    report.end(message, await self._post(message))
        """
        ...


class Channel(Protocol):
    """A way to reach customers. A plugin registers objects like this one.

    - `key`: its permanent name, of lower-case letters, digits and hyphens: "email".
    - `label`: its name for people: "E-mail".
    - `version`: the plugin's.
    - `address`: the kind of address it delivers to.
    - `settings`: the model of a store's settings; `content`: the model of a campaign's content. The API shows the
      JSON Schema (by alias) of these Pydantic models; secrets are `SecretStr` fields, which are encrypted at rest
      and never shown. Refuse unknown keys with `ConfigDict(extra="forbid")`.
    - `capabilities`: the abilities of its provider.

    Any object with these attributes and methods is one; a frozen dataclass does:

        @dataclass(frozen=True)
        class Pigeons:
            key: str = "pigeons"
            label: str = "Carrier pigeon"
    """

    @property
    def key(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def address(self) -> AddressKind: ...
    @property
    def settings(self) -> type[BaseModel]: ...
    @property
    def content(self) -> type[BaseModel]: ...
    @property
    def capabilities(self) -> Capabilities: ...

    # The models are the channel's own classes, which the host cannot name: hence Any.
    def prepare(self, content: Any, settings: Any | None, templates: Templates) -> Composer:
        """Compile `content` (of the class `content`) once, for many recipients.

        `settings` (of the class `settings`) is None in the sandbox, where nothing is sent.
        Raise ContentInvalid, with the path to the value that is wrong.
        """
        ...

    def connect(self, settings: Any, host: Host) -> AbstractAsyncContextManager[Transport]:
        """Connect to the provider; leaving the block closes the connection.

        Raise Unreachable when that fails: nothing has been sent then. A provider that is spoken to by HTTP needs no
        connection of its own: use `host.http`.

            async with channel.connect(settings, host) as transport:
                await transport.send(messages, report)
        """
        ...
