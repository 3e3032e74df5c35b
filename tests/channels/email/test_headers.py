"""No value breaks out of its header, whoever reads the message."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muster_sdk import AddressInvalid, ContentInvalid, smtp_mailbox

from channels.email import headers
from tests.channels.email.support import compose, data, recipient, settings

NAMES = {"From", "Date", "MIME-Version", "Subject", "To", "Message-ID", "Content-Type"}
HOSTILE = [
    "=?utf-8?q?Bob=0D=0ABcc:_e@x?=",
    "Bob\r\nBcc: e@x",
    "Bob\nBcc: e@x",
    "Bob\rBcc: e@x",
    "Bob\x00\x0b\x0cBcc: e@x",
    "Bob\u0085Bcc: e@x",
    "Bob\u2028Bcc: e@x\u2029",
    "Bob\r\n\r\n<script>",
    '"Bob" <e@x>, ',
    "Bob\ud800",
]


def parsed(message: bytes) -> EmailMessage:
    return BytesParser(policy=policy.default).parsebytes(message)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_the_subject_adds_no_header(name: str) -> None:
    message = data(compose(recipient(variables={"customer": {"name": name}}), subject="Hello {{ customer.name }}"))
    for read in (parsed(message), message_from_bytes(message)):
        assert set(read.keys()) == NAMES
        assert len(read.keys()) == len(NAMES)
        assert not read.defects


def test_an_encoded_word_in_a_name_is_shown_as_it_was_written() -> None:
    name = "=?utf-8?q?Bob=0D=0ABcc:_e@x?="
    message = data(compose(recipient(variables={"customer": {"name": name}}), subject="Hi {{ customer.name }}"))
    assert parsed(message)["Subject"] == f"Hi {name}"


@pytest.mark.parametrize(
    "name", ["Shop", "Müller & Söhne", "Müller, Söhne; " * 10, 'The "Shop", Ltd.', "a\\b", "店" * 60]
)
def test_the_sender_has_its_name(name: str) -> None:
    # The newer parser puts spaces between encoded-words in a name.
    display_name, address = parseaddr(message_from_bytes(data(compose(sent_by=settings(fromName=name))))["From"])
    assert (str(make_header(decode_header(display_name))), address) == (name.strip(), "shop@example.com")


@given(st.text(max_size=300))
def test_any_text_is_one_header_of_short_lines(value: str) -> None:
    header = headers.unstructured("Subject", value).encode()
    lines = header.split(b"\r\n")
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    assert all(len(line) <= 76 for line in lines)
    assert len(header.splitlines()) == len(lines)
    read = message_from_bytes(header + b"\r\n\r\n")
    assert read.keys() == ["Subject"]
    assert str(make_header(decode_header(read["Subject"]))) == headers.clean(value)


@given(st.text(min_size=1, max_size=100))
def test_any_display_name_leaves_one_address(name: str) -> None:
    header = headers.mailbox("From", name, "a@example.com").encode()
    read = parsed(header + b"\r\n\r\n")
    assert read.keys() == ["From"]
    assert [mailbox.addr_spec for mailbox in read["From"].addresses] == ["a@example.com"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "a@example.com, e@x",
        "v@x>,<e@x",
        "ann@example.com\r\nRCPT TO:<e@x>",
        "ann@example.com\n",
        "ann @example.com",
        '"ann lee"@example.com',
        "ann@exa mple.com",
        "ann@localhost",
        "0@\u00af",
        "ann@example.com\u2028",
        "ann@example.com\u00a0",
        "ann\x00@example.com",
        "a@b@example.com",
        "Ann <ann@example.com>",
        f"{'a' * 65}@example.com",
        f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 20}.com",
        "ann@-example.com",
        "\ud800@example.com",
        "ann@a\u00af.example",
        "ann@\u2474.example",
        "=?utf-8?q?ann=40example.com=3e?=@shop.example",
    ],
)
def test_what_is_not_one_address_is_refused(address: str) -> None:
    with pytest.raises(ContentInvalid):
        compose(recipient(address))


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("ann@example.com", "ann@example.com"),
        ("Ann@Example.com", "ann@example.com"),
        ("o'neil+news@sub.example.co.uk", "o'neil+news@sub.example.co.uk"),
        ("a..b@example.com", '"a..b"@example.com'),
        ("info@straße.example", "info@xn--strae-oqa.example"),
        ("ann@müller.example", "ann@xn--mller-kva.example"),
        ("甲@例え.example", "甲@xn--r8jz45g.example"),
    ],
)
def test_an_address_is_sent_with_an_ascii_domain(address: str, sent: str) -> None:
    message = compose(recipient(address))
    assert message.address == sent
    assert f"\r\nTo: {sent}\r\n".encode() in data(message)


@given(st.text(max_size=60) | st.from_regex(r"[^ ]+@[^ ]+", fullmatch=True))
def test_an_address_that_passes_is_free_of_what_separates_addresses(address: str) -> None:
    try:
        sent = smtp_mailbox(address)
    except AddressInvalid:
        return
    name, _, domain = sent.rpartition("@")
    if name.startswith('"'):
        # Nothing in the quotes needs them but its dots.
        assert name.endswith('"')
        assert ".." in name or '".' in name or '."' in name
        name = name[1:-1]
    assert not set(name + domain) & set(' ,;<>"()[]\\:@\r\n\0')
    assert not any(character.isspace() for character in sent)
    assert len(sent.splitlines()) == 1
    assert domain.isascii()
