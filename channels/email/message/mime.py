"""Messages as bytes. Whatever a campaign's messages share is laid out once; the rest is joined for each."""

import re
from binascii import b2a_base64
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote
from uuid import UUID

from channels.email import addresses, headers

_RAW_LINE: Final = 57  # bytes: 76 characters of base64
_BASE64: Final = b"Content-Transfer-Encoding: base64\r\n\r\n"
_SEVEN_BITS: Final = b"Content-Transfer-Encoding: 7bit\r\n\r\n"
_PLAIN: Final = b"Content-Type: text/plain; charset=utf-8\r\n"
_LONGEST: Final = 900  # bytes a line; RFC 5321 allows 998
_NOT_IN_URL = re.compile(r"[^!#-;=?-~]")
_HTML: Final = b"Content-Type: text/html; charset=utf-8\r\n"


@dataclass(frozen=True, slots=True)
class Sender:
    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """One recipient's words."""

    subject: str
    html: str | None
    text: str


class MessageHeaders:
    """The headers that a campaign's messages share."""

    def __init__(self, sender: Sender, date: str) -> None:
        address = addresses.on_the_wire(sender.address)
        self._domain = addresses.domain_of(address)
        self._fixed = (
            f"{headers.mailbox('From', sender.name, address)}\r\nDate: {date}\r\nMIME-Version: 1.0\r\n".encode()
        )

    def written(self, key: UUID, address: str, parts: Parts, unsubscribe_url: str | None) -> bytes:
        """The complete message."""
        head = [
            headers.unstructured("Subject", parts.subject),
            f"To: {address}",
            f"Message-ID: <{key}@{self._domain}>",
        ]
        if unsubscribe_url:
            # RFC 8058: both, or mail programs show no button.
            head += [
                f"List-Unsubscribe: <{_url(unsubscribe_url)}>",
                "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            ]
        return b"".join((self._fixed, "\r\n".join(head).encode(), b"\r\n", *_body(key, parts)))


def _body(key: UUID, parts: Parts) -> tuple[bytes, ...]:
    text = _part(_PLAIN, parts.text)
    if parts.html is None:
        return text
    boundary = f"=_{key.hex}".encode()  # "=_" cannot occur in base64, and 32 random digits do not in text
    opening = b"--" + boundary + b"\r\n"
    return (
        b'Content-Type: multipart/alternative; boundary="' + boundary + b'"\r\n\r\n',
        opening,
        *text,
        b"\r\n",
        opening,
        *_part(_HTML, parts.html),
        b"\r\n--" + boundary + b"--\r\n",
    )


def _part(content_type: bytes, words: str) -> tuple[bytes, bytes, bytes]:
    """As it is where every server takes it, and base64 otherwise: 8BITMIME cannot be known in advance."""
    if "\r" in words:
        words = words.replace("\r\n", "\n").replace("\r", "\n")
    if not words.endswith("\n"):
        words += "\n"
    raw = words.replace("\n", "\r\n").encode(errors="replace")
    if words.isascii() and "\0" not in words and not _has_long_lines(raw):
        return content_type, _SEVEN_BITS, raw
    return content_type, _BASE64, _in_base64(raw)


def _has_long_lines(raw: bytes) -> bool:
    start = 0
    while len(raw) - start > _LONGEST:
        start = raw.rfind(b"\n", start, start + _LONGEST) + 1
        if start == 0:
            return True
    return False


def _in_base64(raw: bytes) -> bytes:
    coded = b2a_base64(raw, newline=False)
    width = _RAW_LINE // 3 * 4
    return b"\r\n".join([coded[place : place + width] for place in range(0, len(coded), width)]) + b"\r\n"


def _url(url: str) -> str:
    """As it stands within angle brackets: nothing that ends them or the line."""
    return _NOT_IN_URL.sub(lambda match: quote(match.group(), safe=""), url)
