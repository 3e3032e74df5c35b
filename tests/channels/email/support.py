"""Settings, recipients and messages for the tests of the e-mail channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from uuid import UUID, uuid5

from muster_sdk import Message, Outcome, Recipient

from channels.email.content import EmailContent
from channels.email.message.composer import ComposedEmail, prepare
from channels.email.message.mime import MessageParts
from channels.email.settings import EmailSettings, Security
from channels.email.smtp.transport import SmtpTransport
from domain.templates.rendering import MinijinjaTemplates

_KEYS = UUID("00000000-0000-5000-8000-000000000000")
HTML = "<p>Dear {{ customer.name }}</p>"


def settings(port: int = 25, **changes: object) -> EmailSettings:
    return EmailSettings.model_validate(
        {"host": "127.0.0.1", "port": port, "security": Security.NONE, "fromAddress": "shop@example.com", **changes}
    )


def recipient(
    address: str = "ann@example.com", variables: Mapping[str, object] | None = None, unsubscribe_url: str | None = None
) -> Recipient:
    return Recipient(
        uuid5(_KEYS, repr(address)),
        address,
        {"customer": {"name": "Ann"}} if variables is None else variables,
        unsubscribe_url,
    )


def compose(to: Recipient | None = None, *, sent_by: EmailSettings | None = None, **content: str | None) -> Message:
    parts = {"subject": "Hello", "html": None if "text" in content else HTML} | content
    composer = prepare(EmailContent.model_validate(parts), sent_by or settings(), MinijinjaTemplates())
    return composer.compose(to or recipient())


def data(message: Message) -> bytes:
    assert isinstance(message.body, ComposedEmail)
    return message.body.data


def batch(count: int, text: str = "Hello") -> list[Message]:
    return [compose(recipient(f"c{number}@example.com"), text=text) for number in range(count)]


def large(lines: int, address: str = "c@example.com") -> Message:
    content = b"Subject: x\r\n\r\n" + b".x\r\n" * lines
    return Message(uuid5(_KEYS, address), address, ComposedEmail(content, MessageParts("x", None, "")), len(content))


@dataclass
class Outcomes:
    """A report that lets `allowed` messages begin, and keeps what becomes of each."""

    allowed: float = inf
    deadline: float = inf
    begun: list[Message] = field(default_factory=list[Message])
    ended: dict[UUID, Outcome] = field(default_factory=dict[UUID, Outcome])

    def begin(self, message: Message) -> bool:
        if len(self.begun) >= self.allowed:
            return False
        assert message not in self.begun, "a message begins once"
        self.begun.append(message)
        return True

    def end(self, message: Message, outcome: Outcome) -> None:
        assert message.key not in self.ended, "a message ends once"
        self.ended[message.key] = outcome

    def of(self, messages: Sequence[Message]) -> list[Outcome]:
        return [self.ended[message.key] for message in messages]


async def send_all(transport: SmtpTransport, messages: list[Message]) -> list[Outcome]:
    report = Outcomes()
    await transport.send(messages, report)
    return report.of(messages)
