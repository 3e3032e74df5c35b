"""Searches what a channel tells for what it must not tell: secrets of its settings, addresses of people."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast
from urllib.parse import quote

from pydantic import BaseModel, SecretBytes, SecretStr

__all__ = ["leaks", "secrets_of"]

_SHORTEST = 6


def secrets_of(value: object) -> list[str]:
    """Return the secrets in a model of settings, wherever they are in it.

    secrets_of(settings)  # ["token-4711"]
    """
    return list(_secrets(value))


def leaks(secrets: Iterable[str], texts: Iterable[str]) -> list[str]:
    """Return the texts that hold a secret: as it is, in a URL's spelling, or in base64, also amid other bytes.

    Secrets of fewer than 6 characters are passed over: they are in any text.

    leaks(["token-4711"], ["GET /?token=token-4711"])
    """
    spellings = [spelling for secret in secrets if len(secret) >= _SHORTEST for spelling in _spellings(secret)]
    return [text for text in texts if any(spelling in text for spelling in spellings)]


def _secrets(value: object) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case SecretBytes():
            yield value.get_secret_value().decode(errors="replace")
        case BaseModel():
            for name in type(value).model_fields:
                yield from _secrets(getattr(value, name))
        case Mapping():
            for entry in cast("Mapping[object, object]", value).values():
                yield from _secrets(entry)
        case Sequence() if not isinstance(value, str | bytes):
            for entry in cast("Sequence[object]", value):
                yield from _secrets(entry)
        case _:
            return


def _spellings(secret: str) -> set[str]:
    data = secret.encode()
    # Of base64, the characters that only the secret's own bytes decide, for each place that it can begin at.
    inner = {
        b64encode(b"\0" * before + data).decode()[_FIRST[before] :][: (len(data) + before) * 8 // 6 - _FIRST[before]]
        for before in range(3)
    }
    return {secret, quote(secret, safe=""), repr(secret)[1:-1]} | {part for part in inner if len(part) >= _SHORTEST}


_FIRST = {0: 0, 1: 2, 2: 3}
