"""Composes a campaign's messages from its content, one for each recipient."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate

from muster_sdk import (
    AddressInvalid,
    ContentInvalid,
    ContentWarning,
    Message,
    Recipient,
    Shown,
    Template,
    TemplateInvalid,
    Templates,
    smtp_mailbox,
)

from channels.email import headers
from channels.email.content import EmailContent
from channels.email.message import html as message_html
from channels.email.message import plaintext
from channels.email.message.mime import MessageHeaders, MessageParts, Sender
from channels.email.settings import EmailSettings

SANDBOX = Sender("sandbox@invalid")
# Gmail shows no more of a message's HTML than this, and a link to the rest.
CLIPPED_BYTES = 102_000


@dataclass(frozen=True, slots=True)
class ComposedEmail:
    """The `Message.body` of this channel: the message as it is sent, and its parts as they are shown."""

    data: bytes
    parts: MessageParts


@dataclass(frozen=True, slots=True)
class _ConvertedTemplate:
    """A template whose result is converted after rendering."""

    template: Template
    convert: Callable[[str], str]

    def render(self, variables: Mapping[str, object]) -> str:
        return self.convert(self.template.render(variables))


def prepare(content: EmailContent, settings: EmailSettings | None, templates: Templates) -> "EmailComposer":
    """Compile the content's templates. Raise ContentInvalid, with the field whose template does not compile."""
    sender = SANDBOX if settings is None else Sender(smtp_mailbox(settings.from_address), settings.from_name)
    subject = _compile(templates, "subject", content.subject)
    html = None
    if content.html is not None:
        html = _compile(templates, "html", content.html, html=True)
        if content.preheader:
            # By itself first, so that an error in it names its own field.
            _compile(templates, "preheader", content.preheader)
            html = _compile(templates, "html", message_html.with_preheader(content.html, content.preheader), html=True)
    if content.text is not None or content.html is None:
        text = _compile(templates, "text", content.text or "")
    else:
        source = plaintext.of_template(content.html)
        try:
            text = templates.compile(source)
        except TemplateInvalid:
            # Code in places that the text leaves out, such as a comment that opens an `if`.
            text = _ConvertedTemplate(templates.compile(content.html, html=True), plaintext.of_html)
        else:
            text = text if plaintext.is_tidy(source) else _ConvertedTemplate(text, plaintext.tidy)
    return EmailComposer(MessageHeaders(sender, formatdate()), subject=subject, html=html, text=text)


def _compile(templates: Templates, field: str, source: str, *, html: bool = False) -> Template:
    try:
        return templates.compile(source, html=html)
    except TemplateInvalid as error:
        line = "" if error.line is None else f" (line {error.line})"
        raise ContentInvalid(f"{error.message}{line}", (field,)) from error


class EmailComposer:
    def __init__(self, shared: MessageHeaders, *, subject: Template, html: Template | None, text: Template) -> None:
        self._shared_headers = shared
        self._subject = subject
        self._html = html
        self._text = text

    def compose(self, recipient: Recipient) -> Message:
        """Return the recipient's message. Raise ContentInvalid when the address is not one mailbox's."""
        try:
            address = smtp_mailbox(recipient.address)
        except AddressInvalid as error:
            raise ContentInvalid(f"The recipient's address is no e-mail address: {error}") from error
        variables = recipient.variables
        parts = MessageParts(
            subject=headers.clean(self._subject.render(variables)),
            html=None if self._html is None else self._html.render(variables),
            text=self._text.render(variables),
        )
        data = self._shared_headers.message_bytes(recipient.key, address, parts, recipient.unsubscribe_url)
        size = len(data) + len(parts.text) + len(parts.html or "")
        return Message(recipient.key, address, ComposedEmail(data, parts), size)

    def review(self, message: Message) -> list[ContentWarning]:
        """Return what mail programs will do to the message."""
        email = message.body
        assert isinstance(email, ComposedEmail)
        size = len((email.parts.html or "").encode())
        if size <= CLIPPED_BYTES:
            return []
        text = f"The HTML has {size / 1000:.0f} kB: Gmail cuts it off behind {CLIPPED_BYTES / 1000:.0f} kB"
        return [ContentWarning("SIZE", text, ("html",))]

    def show(self, message: Message) -> Shown:
        """Return the message as staff see it."""
        email = message.body
        assert isinstance(email, ComposedEmail)
        head = email.data.partition(b"\r\n\r\n")[0].decode().replace("\r\n ", " ")
        return Shown(
            subject=email.parts.subject,
            html=email.parts.html,
            text=email.parts.text,
            payload={
                "to": message.address,
                "subject": email.parts.subject,
                "headers": dict(line.split(": ", 1) for line in head.split("\r\n")),
            },
        )
