"""A campaign's content, made into messages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate

from muster_sdk import ContentInvalid, Message, Recipient, Shown, Template, TemplateInvalid, Templates

from channels.email import addresses, headers
from channels.email.content import EmailContent
from channels.email.message import html as message_html
from channels.email.message import plaintext
from channels.email.message.mime import MessageHeaders, Parts, Sender
from channels.email.settings import EmailSettings

SANDBOX = Sender("sandbox@invalid")


@dataclass(frozen=True, slots=True)
class Body:
    """What `Message.body` is: the message as it goes out, and what it says."""

    data: bytes
    parts: Parts


def prepare(content: EmailContent, settings: EmailSettings | None, templates: Templates) -> "EmailComposer":
    sender = SANDBOX if settings is None else Sender(settings.from_address, settings.from_name)
    return EmailComposer(
        MessageHeaders(sender, formatdate()),
        subject=_compiled(templates, "subject", content.subject),
        html=_html(content, templates),
        text=_text(content, templates),
    )


def _html(content: EmailContent, templates: Templates) -> Template | None:
    if content.html is None:
        return None
    html = _compiled(templates, "html", content.html, html=True)
    if not content.preheader:
        return html
    _compiled(templates, "preheader", content.preheader)
    return _compiled(templates, "html", message_html.with_preheader(content.html, content.preheader), html=True)


def _text(content: EmailContent, templates: Templates) -> Template:
    if content.text is not None or content.html is None:
        return _compiled(templates, "text", content.text or "")
    try:
        source = plaintext.of_template(content.html)
        text = templates.compile(source)
    except TemplateInvalid:
        # Code in places that the text leaves out, such as a comment that opens an `if`.
        return _Made(templates.compile(content.html, html=True), plaintext.of_html)
    return text if plaintext.is_tidy(source) else _Made(text, plaintext.tidy)


def _compiled(templates: Templates, field: str, source: str, *, html: bool = False) -> Template:
    try:
        return templates.compile(source, html=html)
    except TemplateInvalid as error:
        where = "" if error.line is None else f" (line {error.line})"
        raise ContentInvalid(f"{error.message}{where}", (field,)) from error


@dataclass(frozen=True, slots=True)
class _Made:
    template: Template
    into: Callable[[str], str]

    def render(self, variables: Mapping[str, object]) -> str:
        return self.into(self.template.render(variables))


class EmailComposer:
    def __init__(self, letterhead: MessageHeaders, *, subject: Template, html: Template | None, text: Template) -> None:
        self._letterhead = letterhead
        self._subject = subject
        self._html = html
        self._text = text

    def compose(self, recipient: Recipient) -> Message:
        address = _checked(recipient.address)
        words = recipient.variables
        parts = Parts(
            subject=headers.clean(self._subject.render(words)),
            html=None if self._html is None else self._html.render(words),
            text=self._text.render(words),
        )
        data = self._letterhead.written(recipient.key, address, parts, recipient.unsubscribe_url)
        size = len(data) + len(parts.text) + len(parts.html or "")
        return Message(recipient.key, address, Body(data, parts), size)

    def show(self, message: Message) -> Shown:
        body = message.body
        assert isinstance(body, Body)
        return Shown(
            subject=body.parts.subject,
            html=body.parts.html,
            text=body.parts.text,
            payload={"to": message.address, "subject": body.parts.subject, "headers": _headers(body.data)},
        )


def _headers(data: bytes) -> dict[str, str]:
    head = data.partition(b"\r\n\r\n")[0].decode().replace("\r\n ", " ")
    return dict(line.split(": ", 1) for line in head.split("\r\n"))


def _checked(address: str) -> str:
    if addresses.is_plain(address):
        return address
    fault = addresses.problem(address)
    if fault:
        raise ContentInvalid(fault)
    return addresses.on_the_wire(address)
