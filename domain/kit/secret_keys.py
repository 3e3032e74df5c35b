"""The secret keys of a server: what they seal names the key that opens it, so that two can be in use at a time."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_ID_BYTES = 8
# Sealed before a value named its key.
_UNNAMED = b"\x01"
_NAMED = b"\x02"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A secret; `id` names it in what it seals, and gives nothing of it away."""

    secret: bytes

    @property
    def id(self) -> bytes:
        return self.derive(b"muster key id")[:_ID_BYTES]

    def derive(self, purpose: bytes) -> bytes:
        return HKDF(SHA256(), 32, None, purpose).derive(self.secret)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The key of the settings, and the one before it as long as values are sealed with that one."""

    current: SecretKey
    previous: SecretKey | None = None


class SecretKeys:
    """Seals with AES-256-GCM, and opens with whichever key of the pair a value names.

    `reload` returns the pair anew, None where it is gone: keys that are in files change while processes run.
    """

    def __init__(self, pair: KeyPair, reload: Callable[[], KeyPair | None] = lambda: None) -> None:
        self._pair = pair
        self._reload = reload

    @property
    def pair(self) -> KeyPair:
        return self._pair

    def by_id(self, key_id: bytes) -> SecretKey | None:
        """Return the key of this id, None when it is not known here."""
        key = _named(self._pair, key_id)
        if key is None and (pair := self._reload()) is not None:
            self._pair = pair
            key = _named(self._pair, key_id)
        return key

    def open(self, sealed: bytes, purpose: bytes, bound: bytes) -> bytes | None:
        """Return what was sealed for the purpose and bound to this place; None when no key here opens it."""
        key_id = sealing_key(sealed)
        if key_id is not None:
            key = self.by_id(key_id)
            return None if key is None else _open(key, sealed[1 + _ID_BYTES :], purpose, _bound(key, bound))
        if sealed[:1] == _UNNAMED:
            for key in (self._pair.current, self._pair.previous):
                if key is not None and (plain := _open(key, sealed[1:], purpose, bound)) is not None:
                    return plain
        return None


def seal(key: SecretKey, plain: bytes, purpose: bytes, bound: bytes) -> bytes:
    """Return the text encrypted for the purpose; it opens in no other place than the one that it is bound to."""
    nonce = os.urandom(_NONCE_BYTES)
    return sealed_prefix(key) + nonce + AESGCM(key.derive(purpose)).encrypt(nonce, plain, _bound(key, bound))


def sealed_prefix(key: SecretKey) -> bytes:
    """Return the beginning of everything that the key seals."""
    return _NAMED + key.id


def sealing_key(sealed: bytes) -> bytes | None:
    """Return the id of the key that a value was sealed with; None when it does not say."""
    return sealed[1 : 1 + _ID_BYTES] if sealed[:1] == _NAMED else None


def _named(pair: KeyPair, key_id: bytes) -> SecretKey | None:
    return next((key for key in (pair.current, pair.previous) if key is not None and key.id == key_id), None)


def _bound(key: SecretKey, bound: bytes) -> bytes:
    return sealed_prefix(key) + bound


def _open(key: SecretKey, text: bytes, purpose: bytes, bound: bytes) -> bytes | None:
    nonce, encrypted = text[:_NONCE_BYTES], text[_NONCE_BYTES:]
    if len(nonce) == _NONCE_BYTES:
        with suppress(InvalidTag):
            return AESGCM(key.derive(purpose)).decrypt(nonce, encrypted, bound)
    return None
