"""Messages as bytes: the headers that a campaign's messages share are laid out once, the rest is joined for each."""

import re
from binascii import b2a_base64
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote
from uuid import UUID

from channels.email import headers

_BASE64_LINE: Final = 76  # characters
_MAX_LINE: Final = 900  # bytes; RFC 5321 allows 998
_BASE64: Final = b"Content-Transfer-Encoding: base64\r\n\r\n"
_SEVEN_BITS: Final = b"Content-Transfer-Encoding: 7bit\r\n\r\n"
_PLAIN: Final = b"Content-Type: text/plain; charset=utf-8\r\n"
_HTML: Final = b"Content-Type: text/html; charset=utf-8\r\n"
_NOT_IN_URL = re.compile(r"[^!#-;=?-~]")


@dataclass(frozen=True, slots=True)
class Sender:
    address: str  # as `smtp_mailbox` has it
    name: str = ""


@dataclass(frozen=True, slots=True)
class MessageParts:
    """One recipient's rendered texts."""

    subject: str
    html: str | None
    text: str


class MessageHeaders:
    """The headers that a campaign's messages share."""

    def __init__(self, sender: Sender, date: str) -> None:
        self._domain = sender.address.rpartition("@")[2]
        self._shared = (
            f"{headers.mailbox('From', sender.name, sender.address)}\r\nDate: {date}\r\nMIME-Version: 1.0\r\n".encode()
        )

    def message_bytes(self, key: UUID, address: str, parts: MessageParts, unsubscribe_url: str | None) -> bytes:
        """Return the complete message."""
        lines = [
            headers.unstructured("Subject", parts.subject),
            f"To: {address}",
            f"Message-ID: <{key}@{self._domain}>",
        ]
        if unsubscribe_url:
            url = _NOT_IN_URL.sub(lambda match: quote(match.group(), safe=""), unsubscribe_url)
            # RFC 8058: both, or mail programs show no button.
            lines += [f"List-Unsubscribe: <{url}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
        head = (self._shared, "\r\n".join(lines).encode(), b"\r\n")
        text = _part(_PLAIN, parts.text)
        if parts.html is None:
            return b"".join((*head, *text))
        boundary = f"=_{key.hex}".encode()  # "=_" cannot occur in base64, and 32 random digits do not in text
        multipart = b'Content-Type: multipart/alternative; boundary="' + boundary + b'"\r\n\r\n'
        start = b"--" + boundary + b"\r\n"
        end = b"\r\n--" + boundary + b"--\r\n"
        return b"".join((*head, multipart, start, *text, b"\r\n", start, *_part(_HTML, parts.html), end))


def _part(content_type: bytes, text: str) -> tuple[bytes, bytes, bytes]:
    """Return a part's headers and content: plain where every server takes it so, else in base64.

    It is not known in advance whether the server and all those after it have 8BITMIME.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.endswith("\n"):
        text += "\n"
    content = text.replace("\n", "\r\n").encode(errors="replace")
    if text.isascii() and "\0" not in text and not _has_long_lines(content):
        return content_type, _SEVEN_BITS, content
    coded = b2a_base64(content, newline=False)
    lines = [coded[start : start + _BASE64_LINE] for start in range(0, len(coded), _BASE64_LINE)]
    return content_type, _BASE64, b"\r\n".join(lines) + b"\r\n"


def _has_long_lines(content: bytes) -> bool:
    start = 0
    while len(content) - start > _MAX_LINE:
        start = content.rfind(b"\n", start, start + _MAX_LINE) + 1
        if start == 0:
            return True
    return False
