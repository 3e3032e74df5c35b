"""What a secret key seals says so, and opens for its purpose and place alone (S10)."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.kit.secret_keys import KeyPair, SecretKey, SecretKeys, seal

KEY, OTHER = SecretKey(b"one secret key"), SecretKey(b"another secret key")
SEALED = seal(KEY, b"text", b"purpose", b"place")


@pytest.mark.parametrize("pair", [KeyPair(KEY), KeyPair(KEY, OTHER), KeyPair(OTHER, KEY)])
def test_either_key_opens_what_it_sealed(pair: KeyPair) -> None:
    assert SecretKeys(pair).open(SEALED, b"purpose", b"place") == b"text"


@pytest.mark.parametrize(
    ("pair", "purpose", "place"),
    [
        (KeyPair(OTHER), b"purpose", b"place"),
        (KeyPair(KEY), b"another", b"place"),
        (KeyPair(KEY), b"purpose", b"elsewhere"),
    ],
)
def test_nothing_else_opens_it(pair: KeyPair, purpose: bytes, place: bytes) -> None:
    assert SecretKeys(pair).open(SEALED, purpose, place) is None


def test_a_flipped_bit_does_not_open() -> None:
    keys = SecretKeys(KeyPair(KEY, OTHER))
    flipped = [bytes([*SEALED[:at], SEALED[at] ^ 1, *SEALED[at + 1 :]]) for at in range(len(SEALED))]
    assert {keys.open(wrong, b"purpose", b"place") for wrong in [*flipped, SEALED[:9], b"\x01", b""]} == {None}


@pytest.mark.parametrize("pair", [KeyPair(KEY), KeyPair(OTHER, KEY)])
def test_values_of_earlier_releases_open_with_either_key(pair: KeyPair) -> None:
    """They do not say which key sealed them."""
    nonce = os.urandom(12)
    sealed = b"\x01" + nonce + AESGCM(KEY.derive(b"purpose")).encrypt(nonce, b"text", b"place")
    assert SecretKeys(pair).open(sealed, b"purpose", b"place") == b"text"
    assert SecretKeys(KeyPair(OTHER)).open(sealed, b"purpose", b"place") is None
