"""A campaign's content becomes messages that mail programs read."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from muster_sdk import ContentInvalid
from pydantic import ValidationError

from channels.email.content import EmailContent
from channels.email.message.composer import prepare
from channels.email.plugin import EmailChannel, register_channels
from channels.email.settings import EmailSettings
from domain.templates.rendering import MinijinjaTemplates
from tests.channels.email.support import compose, data, recipient, settings

UNSUBSCRIBE = "https://shop.example/u/abc?x=1&y=2"


def read(message: bytes) -> EmailMessage:
    parsed = BytesParser(policy=policy.default).parsebytes(message)
    assert not parsed.defects
    return parsed


def part(message: bytes, kind: str) -> str:
    body = read(message).get_body((kind,))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def test_a_message_has_its_text_before_its_html() -> None:
    message = data(compose(html="<p>Dear {{ customer.name }}</p>"))
    assert read(message).get_content_type() == "multipart/alternative"
    assert [subpart.get_content_type() for subpart in read(message).iter_parts()] == ["text/plain", "text/html"]
    assert part(message, "plain") == "Dear Ann\n"
    assert part(message, "html") == "<p>Dear Ann</p>\n"


def test_a_message_of_text_alone_has_one_part() -> None:
    message = data(compose(text="Dear {{ customer.name }}"))
    assert read(message).get_content_type() == "text/plain"
    assert part(message, "plain") == "Dear Ann\n"


def test_the_same_recipient_gets_the_same_message() -> None:
    composer = prepare(EmailContent(subject="Hi", text="x"), settings(), MinijinjaTemplates())
    assert composer.compose(recipient()) == composer.compose(recipient())
    assert read(data(compose()))["Message-ID"] == read(data(compose(subject="Again")))["Message-ID"]
    assert read(data(compose()))["Message-ID"] == f"<{recipient().key}@example.com>"


def test_one_click_unsubscribing() -> None:
    message = read(data(compose(recipient(unsubscribe_url=UNSUBSCRIBE))))
    assert message["List-Unsubscribe"] == f"<{UNSUBSCRIBE}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "List-Unsubscribe" not in read(data(compose()))


def test_an_unsubscribe_address_stays_within_its_brackets() -> None:
    message = read(data(compose(recipient(unsubscribe_url="https://x.example/>\r\nBcc: e@x, <é"))))
    assert message["List-Unsubscribe"] == "<https://x.example/%3E%0D%0ABcc:%20e@x,%20%3C%C3%A9>"
    assert "Bcc" not in message


@pytest.mark.parametrize("words", ["Grüße, 你好 🎉", "x" * 5_000, "a\0b", ".\n..\n.", "a\r\nb\rc\nd", "From x\n\n\n"])
def test_any_words_arrive(words: str) -> None:
    expected = words.replace("\r\n", "\n").replace("\r", "\n")
    expected += "" if expected.endswith("\n") else "\n"
    message = data(compose(recipient(variables={"words": words}), text="{{ words }}"))
    assert part(message, "plain") == expected
    assert message.isascii()
    assert max(map(len, message.split(b"\r\n"))) < 998
    assert message.count(b"\n") == message.count(b"\r\n") == message.count(b"\r")


def test_names_are_escaped_in_html_and_not_in_text() -> None:
    message = data(compose(recipient(variables={"customer": {"name": "<b>&"}})))
    assert part(message, "html") == "<p>Dear &lt;b&gt;&amp;</p>\n"
    assert part(message, "plain") == "Dear <b>&\n"


@pytest.mark.parametrize("html", ["<html><body class='a>b'><p>Hi</p></body></html>", "<p>Hi</p>"])
def test_the_preheader_comes_first_and_is_hidden(html: str) -> None:
    message = data(compose(html=html, preheader="5 < 6 for {{ customer.name }}"))
    html_part = part(message, "html")
    assert "5 &lt; 6 for Ann</span><p>Hi" in html_part
    assert html_part.startswith(("<html><body class='a>b'><span style=\"display:none", '<span style="display:none'))
    assert part(message, "plain") == "Hi\n"


def test_what_is_shown_is_what_would_be_sent() -> None:
    content = EmailContent(subject="Hi {{ customer.name }}", html="<p>é</p>")
    composer = prepare(content, None, MinijinjaTemplates())
    preview = composer.show(composer.compose(recipient(variables={"customer": {"name": "Zoë"}})))
    assert (preview.subject, preview.html, preview.text) == ("Hi Zoë", "<p>é</p>", "é\n")
    assert preview.payload["to"] == "ann@example.com"
    assert preview.payload["subject"] == "Hi Zoë"
    head = preview.payload["headers"]
    assert isinstance(head, dict)
    assert head["From"] == "sandbox@invalid"
    assert head["Subject"] == "=?utf-8?b?SGkgWm/Dqw==?="


@pytest.mark.parametrize("field", ["subject", "preheader", "html", "text"])
def test_a_template_that_does_not_compile_is_named(field: str) -> None:
    content = EmailContent.model_validate({"subject": "Hi", "html": "<p>", field: "{{ customer."})
    with pytest.raises(ContentInvalid) as caught:
        prepare(content, None, MinijinjaTemplates())
    assert caught.value.path == (field,)


@pytest.mark.parametrize(
    "content",
    [
        {"html": "x"},
        {"subject": "", "html": "x"},
        {"subject": " ", "html": "x"},
        {"subject": "a\nb", "html": "x"},
        {"subject": "a\u2028b", "html": "x"},
        {"subject": "a"},
        {"subject": "a", "html": ""},
        {"subject": "a", "html": "x", "body": "y"},
    ],
)
def test_content_that_says_too_little_or_too_much_is_refused(content: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        EmailContent.model_validate(content)


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 0},
        {"port": 65_536},
        {"host": ""},
        {"host": "a b"},
        {"security": "ssl"},
        {"username": "u"},
        {"password": "p"},
        {"fromAddress": "a@x.example, b@x.example"},
        {"fromName": "a\r\nBcc: e@x"},
        {"colour": "red"},
        {"messagesPerSecond": 0},
        {"messagesPerSecond": -1},
        {"messagesPerSecond": "many"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**{"port": 25} | wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_settings_speak_as_the_api_does() -> None:
    properties = EmailSettings.model_json_schema()["properties"]
    names = {"host", "port", "security", "username", "password", "fromAddress", "fromName", "messagesPerSecond"}
    assert set(properties) == names
    assert properties["password"]["anyOf"][0]["writeOnly"]
    assert EmailSettings.model_validate({"host": "h", "from_address": "a@b.example"}).port == 587


def test_the_plugin_brings_one_channel() -> None:
    (channel,) = register_channels()
    assert isinstance(channel, EmailChannel)
    assert (channel.key, channel.capabilities.max_batch, channel.capabilities.idempotent) == ("email", 500, False)


@pytest.mark.parametrize(("characters", "warned"), [(101_900, False), (102_001, True)])
def test_html_that_gmail_cuts_off_is_remarked(characters: int, warned: bool) -> None:
    composer = prepare(EmailContent(subject="Hi", html="<p>{{ customer.name }}"), settings(), MinijinjaTemplates())
    message = composer.compose(recipient(variables={"customer": {"name": "x" * (characters - 3)}}))
    assert [(warning.code, warning.path) for warning in composer.review(message)] == [("SIZE", ("html",))] * warned
