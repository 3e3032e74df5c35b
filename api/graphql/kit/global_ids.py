"""Global IDs: base64url of "Type:key", where a key is a number, a UUID, or one of each (a part of something)."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple
from uuid import UUID

import strawberry

Part = tuple[UUID, int]
Key = int | UUID | Part

_LARGEST = 2**63 - 1
_LONGEST = 200


@strawberry.interface(description="An object with a globally unique, opaque ID.")
class Node:
    id: strawberry.ID


class GlobalId(NamedTuple):
    type: str
    key: Key


def encode(type_name: str, key: Key) -> strawberry.ID:
    text = f"{key[0]}.{key[1]}" if isinstance(key, tuple) else key
    return strawberry.ID(urlsafe_b64encode(f"{type_name}:{text}".encode()).rstrip(b"=").decode())


def decode(gid: str, *expected: str) -> GlobalId | None:
    """What an ID names, or None when it is no ID of ours or of none of the expected types."""
    type_name, _, text = _reveal(gid).partition(":")
    key = _key(text)
    if key is None or not type_name.isidentifier() or (expected and type_name not in expected):
        return None
    return GlobalId(type_name, key)


def number(gid: str, *expected: str) -> int | None:
    found = decode(gid, *expected)
    return found.key if found and isinstance(found.key, int) else None


def uuid(gid: str, *expected: str) -> UUID | None:
    found = decode(gid, *expected)
    return found.key if found and isinstance(found.key, UUID) else None


def part(gid: str, *expected: str) -> Part | None:
    found = decode(gid, *expected)
    return found.key if found and isinstance(found.key, tuple) else None


def _reveal(gid: str) -> str:
    if len(gid) > _LONGEST:
        return ""
    try:
        return urlsafe_b64decode(gid.rstrip("=").encode("ascii") + b"==").decode("ascii")
    except (binascii.Error, UnicodeError):
        return ""


def _key(text: str) -> Key | None:
    whole, dot, place = text.partition(".")
    if dot:
        first, second = _key(whole), _key(place)
        return (first, second) if isinstance(first, UUID) and isinstance(second, int) else None
    if text.isdecimal():
        value = int(text)
        return value if 0 < value <= _LARGEST and str(value) == text else None
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None
