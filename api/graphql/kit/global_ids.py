"""Global IDs: base64url of "Type:key", where a key is a number, a UUID, or one of each (a part of something)."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple
from uuid import UUID

import strawberry

from domain.kit.errors import NotFound

Part = tuple[UUID, int]
Key = int | UUID | Part

_LARGEST = 2**63 - 1
_LONGEST = 200


class GlobalId(NamedTuple):
    type: str
    key: Key


def encode(type_name: str, key: Key | str) -> strawberry.ID:
    text = f"{key[0]}.{key[1]}" if isinstance(key, tuple) else key
    return strawberry.ID(urlsafe_b64encode(f"{type_name}:{text}".encode()).rstrip(b"=").decode())


def decode(gid: str, *expected: str) -> GlobalId | None:
    """Return the type and key of an ID, or None when it is no ID of ours or of none of the expected types."""
    if len(gid) > _LONGEST:
        return None
    try:
        decoded = urlsafe_b64decode(gid.rstrip("=").encode("ascii") + b"==").decode("ascii")
    except (binascii.Error, UnicodeError):
        return None
    type_name, _, text = decoded.partition(":")
    key = _key(text)
    if key is None or not type_name.isidentifier() or (expected and type_name not in expected):
        return None
    return GlobalId(type_name, key)


def number(gid: str, *expected: str) -> int | None:
    global_id = decode(gid, *expected)
    return global_id.key if global_id and isinstance(global_id.key, int) else None


def uuid(gid: str, *expected: str) -> UUID | None:
    global_id = decode(gid, *expected)
    return global_id.key if global_id and isinstance(global_id.key, UUID) else None


def part(gid: str, *expected: str) -> Part | None:
    global_id = decode(gid, *expected)
    return global_id.key if global_id and isinstance(global_id.key, tuple) else None


def require_number(gid: str, type_name: str, *, noun: str, field: str = "id") -> int:
    """Return the key of the object that an argument names. Raise NotFound when it can be no object of the type."""
    key = number(gid, type_name)
    if key is None:
        raise NotFound(f"There is no such {noun}", field=(field,))
    return key


def require_uuid(gid: str, type_name: str, *, noun: str, field: str = "id") -> UUID:
    """Return the key of the object that an argument names. Raise NotFound when it can be no object of the type."""
    key = uuid(gid, type_name)
    if key is None:
        raise NotFound(f"There is no such {noun}", field=(field,))
    return key


def _key(text: str) -> Key | None:
    owner, dot, position = text.partition(".")
    if dot:
        first, second = _key(owner), _key(position)
        return (first, second) if isinstance(first, UUID) and isinstance(second, int) else None
    if text.isdecimal():
        value = int(text)
        return value if 0 < value <= _LARGEST and str(value) == text else None
    try:
        key = UUID(text)
    except ValueError:
        return None
    return key if str(key) == text else None
