"""Signs what a link names, so that a server needs no row for a link and nobody can make one up."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from dataclasses import dataclass
from hashlib import sha256, sha512
from struct import Struct
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class SignedFields:
    """The fields of a token as its struct unpacks them, and the text behind them."""

    fields: tuple[Any, ...]
    text: str


class SignedTokens:
    """Write fields as a token, and read tokens of this key and purpose.

    A token of one purpose is unknown to every other. The bytes are a promise: links lie in mails for years.
    """

    def __init__(self, key: bytes, purpose: str, struct: Struct) -> None:
        self._key = hmac.digest(key, purpose.encode(), sha256)
        self._struct = struct

    def write(self, *fields: int | bytes, text: str = "") -> str:
        payload = self._struct.pack(*fields) + text.encode()
        return _text(self._mac(payload) + payload)

    def read(self, token: str) -> SignedFields | None:
        """Return the fields and the text of a token, None unless it is letter for letter one that was signed here."""
        signed = _bytes(token)
        mac, payload = signed[:_MAC_BYTES], signed[_MAC_BYTES:]
        if len(payload) < self._struct.size or not hmac.compare_digest(mac, self._mac(payload)):
            return None
        return SignedFields(self._struct.unpack_from(payload), payload[self._struct.size :].decode())

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, sha256)[:_MAC_BYTES]


class SealedTokens:
    """Write fields as a token that nobody else can read or make up (AES-SIV, RFC 5297), the same one every time.

    A token of one purpose is unknown to every other. The bytes are a promise: links lie in mails for years.
    """

    def __init__(self, key: bytes, purpose: str, struct: Struct) -> None:
        self._cipher = AESSIV(hmac.digest(key, purpose.encode(), sha512))
        self._struct = struct

    def write(self, *fields: int | bytes, text: str) -> str:
        return _text(self._cipher.encrypt(self._struct.pack(*fields) + text.encode(), None))

    def read(self, token: str) -> SignedFields | None:
        """Return the fields and the text of a token, None unless it is letter for letter one that was sealed here."""
        try:
            payload = self._cipher.decrypt(_bytes(token), None)
        except (InvalidTag, ValueError):
            return None
        return SignedFields(self._struct.unpack_from(payload), payload[self._struct.size :].decode())


def _text(signed: bytes) -> str:
    return urlsafe_b64encode(signed).rstrip(b"=").decode()


def _bytes(token: str) -> bytes:
    """Return the bytes of a token; none of one that is written in another way than `_text` writes it."""
    try:
        signed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (BadBase64, ValueError):
        return b""
    # Python's decoder skips what is not base64.
    return signed if _text(signed).encode() == token.encode() else b""
