"""Header fields whose values cannot break out of them, whatever a template or a customer put there."""

import re
from base64 import b64encode
from typing import Final

_MAX_WORD_BYTES: Final = 39  # 64 characters encoded: with "Subject: " within the 76 of RFC 2047
_MAX_LINE: Final = 76
# Line breaks of Python and other readers among them: CR, LF, NEL, LS, PS; then the marks that reverse text invisibly.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


def clean(value: str) -> str:
    """Return the value on one line, without control characters."""
    if value.isascii() and value.isprintable():
        return value.strip()
    return _CONTROL.sub(" ", value).strip()


def unstructured(name: str, value: str) -> str:
    """Return a whole header of free text, such as Subject, folded before spaces.

    A word too long for a line of its own, a run of spaces and characters outside ASCII are encoded.
    """
    value = clean(value)
    if _is_literal(value) and len(name) + 2 + len(value) <= _MAX_LINE:
        return f"{name}: {value}"
    words = value.split(" ")
    if not _is_literal(value) or any(not word or len(word) > _MAX_LINE - 2 for word in words):
        return f"{name}: {_encoded(value)}"
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _MAX_LINE and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines)


def mailbox(name: str, display_name: str, address: str) -> str:
    """Return a whole header of one address with its display name."""
    phrase = clean(display_name)
    if not phrase:
        return f"{name}: {address}"
    if not _is_literal(phrase) or len(phrase) > _MAX_WORD_BYTES:
        phrase = _encoded(phrase)
    elif not _ATOMS.fullmatch(phrase):
        phrase = '"' + phrase.replace("\\", "\\\\").replace('"', '\\"') + '"'
    line = f"{name}: {phrase} <{address}>"
    return line if len(line) <= _MAX_LINE else f"{name}: {phrase}\r\n <{address}>"


def _is_literal(value: str) -> bool:
    return value.isascii() and "=?" not in value


def _encoded(value: str) -> str:
    """Return the value as encoded-words (RFC 2047), each of whole characters."""
    words: list[bytes] = []
    word = b""
    for character in value:
        encoded = character.encode()
        if len(word) + len(encoded) > _MAX_WORD_BYTES:
            words.append(word)
            word = b""
        word += encoded
    words.append(word)
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode('ascii')}?=" for word in words)
