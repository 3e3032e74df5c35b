"""What a channel is: it makes messages out of content and recipients, and hands them to a provider."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from pydantic import BaseModel

__all__ = [
    "Accepted",
    "AddressKind",
    "Ambiguous",
    "Capabilities",
    "Channel",
    "Composer",
    "Message",
    "NotSent",
    "Outcome",
    "Recipient",
    "Rejected",
    "Shown",
    "Template",
    "Templates",
    "Transport",
    "TryAgain",
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


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel's provider can do. The host plans its batches and its retries by it.

    - `max_batch`: how many messages one `Transport.send` takes at most.
    - `idempotency`: for how long the provider ignores a message whose key it has seen; None if it does not.
      Within this time the host sends again what came out `Ambiguous`; without it, never.
    - `delivery_receipts`, `open_tracking`, `click_tracking`: what the provider reports back.
    - `audience_sync`: whether lists can be kept at the provider.

        capabilities = Capabilities(max_batch=100, idempotency=timedelta(hours=24))
    """

    max_batch: int = 500
    idempotency: timedelta | None = None
    delivery_receipts: bool = False
    open_tracking: bool = False
    click_tracking: bool = False
    audience_sync: bool = False

    @property
    def idempotent(self) -> bool:
        """Whether sending one key twice delivers once."""
        return self.idempotency is not None


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person to write to.

    - `key`: the delivery's identity, the same on every attempt. A provider's idempotency key derives from it.
    - `address`: where to, of the channel's `AddressKind`. Not checked by the host: it may hold anything.
    - `variables`: what templates see, `{"customer": {"name": ..., "property": {...}}, "store": {...}}`.
    - `unsubscribe_url`: opens the recipient's page for opting out, and opts out when POSTed to.

        Recipient(key=uuid4(), address="ann@example.com", variables={"customer": {"name": "Ann"}})
    """

    key: UUID
    address: str
    variables: Mapping[str, object]
    unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What one recipient gets, ready to hand over.

    - `key`, `address`: the recipient's.
    - `body`: the channel's own; only its transport and `Composer.show` read it.
    - `size`: bytes of memory held, about. The host bounds what is in flight by it.

        Message(key=recipient.key, address=recipient.address, body=text, size=len(text))
    """

    key: UUID
    address: str
    body: object
    size: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as staff see it in a preview, or in a sandbox's records.

    - `subject`, `html`, `text`: what of these the channel has.
    - `payload`: what the provider would be given, in values that JSON has. No secrets.

        Shown(subject=None, html=None, text="Hi Ann", payload={"To": "+81312345678", "Body": "Hi Ann"})
    """

    subject: str | None
    html: str | None
    text: str | None
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message. Final.

    `provider_id` is the provider's own name of it, if it gave one: receipts are matched by it.

        Accepted("SM123")
    """

    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The provider refused the message, and always will. Final.

    Example:

        Rejected("550 No such user")
    """

    reason: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The provider refused the message for now, and surely has not sent it. The host sends it again later.

    `after` is how long the provider asked to wait; None leaves that to the host.

        TryAgain("429 Too many requests", after=timedelta(seconds=30))
    """

    reason: str
    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing of the message has reached the provider: the connection failed before. The host tries again.

    Example:

        NotSent("The connection was closed before the message was complete.")
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The message may have been sent or not: the answer was lost. When in doubt, it is this one.

    The host sends it again only where `Capabilities.idempotency` makes that harmless; else it is on record as
    unknown.

        Ambiguous("No answer within 30 seconds.")
    """

    reason: str


Outcome: TypeAlias = Accepted | Rejected | TryAgain | NotSent | Ambiguous
"""What became of one message.

    match outcome:
        case Accepted(provider_id): ...
"""


class Template(Protocol):
    """A compiled template.

    Example:

        template.render({"customer": {"name": "Ann"}})
    """

    def render(self, variables: Mapping[str, object]) -> str:
        """The text for these variables; a variable that is missing is empty.

        Raises TemplateInvalid when it fails or exceeds the host's limits on work (fuel) and length.
        """
        ...


class Templates(Protocol):
    """The host's template engine: Jinja's language, in limits that make strangers' templates harmless."""

    def compile(self, source: str, *, html: bool = False) -> Template:
        """Compiles a template, once for a campaign. With `html`, what variables hold is escaped.

        Raises TemplateInvalid with the line at fault.

            greeting = templates.compile("Hi {{ customer.name }}")
        """
        ...


class Composer(Protocol):
    """A campaign's content, ready to be made into messages. No network; safe to call in any thread.

    Example:

        composer = channel.prepare(content, settings, templates)
        message = composer.compose(recipient)
    """

    def compose(self, recipient: Recipient) -> Message:
        """The recipient's message. The same recipient always gets the same.

        Raises ContentInvalid or TemplateInvalid when there can be none: the delivery fails with its reason.
        """
        ...

    def show(self, message: Message) -> Shown:
        """The message as staff see it."""
        ...


class Transport(Protocol):
    """An open way to the provider.

    Example:

        outcomes = await transport.send(messages)
    """

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Hands messages over, at most `Capabilities.max_batch`; one outcome for each, in the same order.

        Raising means that every one of them is `Ambiguous`: return outcomes wherever more is known. A time-out
        of its own bounds every wait for the provider.
        """
        ...


class Channel(Protocol):
    """A way to reach customers. A plugin registers objects like this one.

    - `key`: its name for ever, lower-case letters, digits and hyphens: "email".
    - `label`: its name for people: "E-mail".
    - `version`: the plugin's.
    - `address`: the kind of address it delivers to.
    - `settings`: what a store configures, `content`: what a campaign says. Pydantic models whose JSON Schema
      (by alias) is the API's; secrets are `SecretStr` fields, which are sealed at rest and never shown. Refuse
      unknown keys with `ConfigDict(extra="forbid")`.
    - `capabilities`: what its provider can do.

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
        """Compiles `content` (of the class `content`) once, for many recipients.

        `settings` (of the class `settings`) is None in the sandbox, where nothing will be sent.
        Raises ContentInvalid, with the path to what is wrong.
        """
        ...

    def connect(self, settings: Any) -> AbstractAsyncContextManager[Transport]:
        """Opens a way to the provider; leaving the block closes it.

        Raises Unreachable: then nothing has been sent.

            async with channel.connect(settings) as transport:
                outcomes = await transport.send(messages)
        """
        ...
