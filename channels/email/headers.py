"""Header values that stay values, whatever was written into them."""

import re
from base64 import b64encode
from typing import Final

_WORD_BYTES: Final = 39  # 64 characters encoded: with "Subject: " within the 76 of RFC 2047
_LINE: Final = 76
# Python's and other readers' line breaks among them: CR, LF, NEL, LS, PS; then what turns text around unseen.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


def clean(value: str) -> str:
    """The value on one line, without control characters."""
    if value.isascii() and value.isprintable():
        return value.strip()
    return _CONTROL.sub(" ", value).strip()


def unstructured(name: str, value: str) -> str:
    """A whole header of free text, such as Subject, folded."""
    value = clean(value)
    if _is_literal(value):
        line = f"{name}: {value}"
        return line if len(line) <= _LINE else _folded(name, value)
    return f"{name}: {_encoded(value)}"


def mailbox(name: str, display_name: str, address: str) -> str:
    """A whole header of one address with its owner's name."""
    shown = clean(display_name)
    if not shown:
        return f"{name}: {address}"
    if not _is_literal(shown) or len(shown) > _WORD_BYTES:
        phrase = _encoded(shown)
    elif _ATOMS.fullmatch(shown):
        phrase = shown
    else:
        phrase = '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
    line = f"{name}: {phrase} <{address}>"
    return line if len(line) <= _LINE else f"{name}: {phrase}\r\n <{address}>"


def _is_literal(value: str) -> bool:
    return value.isascii() and "=?" not in value


def _folded(name: str, value: str) -> str:
    """Breaks before spaces; what has no room on a line of its own is encoded, as are runs of spaces."""
    words = value.split(" ")
    if any(not word or len(word) > _LINE - 2 for word in words):
        return f"{name}: {_encoded(value)}"
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _LINE and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines)


def _encoded(value: str) -> str:
    """Encoded-words of RFC 2047, each of whole characters."""
    words: list[bytes] = []
    piece = b""
    for character in value:
        encoded = character.encode()
        if len(piece) + len(encoded) > _WORD_BYTES:
            words.append(piece)
            piece = b""
        piece += encoded
    words.append(piece)
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode('ascii')}?=" for word in words)
