"""What a store is, and what a token may do."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from hashlib import sha256
from secrets import choice
from string import ascii_letters, digits
from typing import TypeVar
from uuid import UUID
from zlib import crc32
from zoneinfo import ZoneInfo, available_timezones

from domain.kit.errors import DomainError, ErrorCode, ErrorCollector

STATIC_SEGMENT_MEMBERS = 10_000
PROPERTY_CONDITIONS = 5
IDEMPOTENCY_KEY_LENGTH = 200
NAME_LENGTH = 100
# The bounds within which a store's limits are raised.
_MOST_MEMBERS = 1_000_000
_MOST_PROPERTIES = 100

T = TypeVar("T")

_TOKEN_PREFIX = "muster_"  # noqa: S105 - what every token begins with
_ALPHABET = digits + ascii_letters
_SECRET_LENGTH = 43  # 62^43 > 2^256
_CHECKSUM_LENGTH = 6


@dataclass(frozen=True, slots=True)
class Limits:
    """What one store may hold."""

    static_segment_members: int
    property_conditions: int


@dataclass(frozen=True, slots=True)
class Store:
    id: int
    name: str
    timezone: str
    currency: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class StoreChange:
    """What is to be changed of a store; None stays as it is."""

    name: str | None = None
    timezone: str | None = None
    currency: str | None = None
    static_segment_members: int | None = None
    property_conditions: int | None = None


class TokenScope(StrEnum):
    """What a token may do; `admin` may do everything."""

    READ = "read"
    WRITE = "write"
    SEND = "send"
    REWARDS = "rewards"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who signed in: a token of a store."""

    store: Store
    token_id: UUID
    scopes: frozenset[TokenScope]
    expires_at: datetime | None = None

    def may(self, scope: TokenScope) -> bool:
        return scope in self.scopes or TokenScope.ADMIN in self.scopes


def new_token() -> str:
    """256 random bits, a prefix for secret scanners, and a checksum by which a typo is known at once."""
    secret = "".join(choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return f"{_TOKEN_PREFIX}{secret}{_checksum(secret)}"


def token_hash(token: str) -> bytes | None:
    """What is kept of a token; None for what cannot be one."""
    secret, checksum = token[len(_TOKEN_PREFIX) : -_CHECKSUM_LENGTH], token[-_CHECKSUM_LENGTH:]
    if not token.startswith(_TOKEN_PREFIX) or not token.isascii() or _checksum(secret) != checksum:
        return None
    return sha256(token.encode()).digest()


def check_timezone(name: str) -> str:
    if name not in available_timezones():
        raise DomainError(f"{name!r} is no IANA time zone: write one such as Asia/Taipei or UTC", field=("timezone",))
    ZoneInfo(name)
    return name


def changed(store: Store, given: StoreChange) -> Store:
    """The store as it becomes; refused with every fault at once."""
    errors = ErrorCollector()

    def take(value: T | None, check: Callable[[T], T], had: T) -> T:
        if value is not None:
            with errors.under():
                return check(value)
        return had

    members, properties = store.limits.static_segment_members, store.limits.property_conditions
    limits = Limits(
        take(given.static_segment_members, partial(_within, "staticSegmentMembers", _MOST_MEMBERS), members),
        take(given.property_conditions, partial(_within, "propertyConditions", _MOST_PROPERTIES), properties),
    )
    name, currency = take(given.name, _check_name, store.name), take(given.currency, _check_currency, store.currency)
    made = Store(store.id, name, take(given.timezone, check_timezone, store.timezone), currency, limits)
    errors.raise_any()
    return made


def _within(field: str, most: int, number: int) -> int:
    if not 1 <= number <= most:
        raise DomainError(f"Write a number from 1 to {most:,}", field=(field,))
    return number


def _check_name(name: str) -> str:
    if not name.strip() or len(name.strip()) > NAME_LENGTH or not name.isprintable():
        raise DomainError(f"A store's name has 1 to {NAME_LENGTH} printable characters", field=("name",))
    return name.strip()


def _check_currency(code: str) -> str:
    if len(code) != 3 or not code.isascii() or not code.isalpha() or not code.isupper():
        raise DomainError("Write a currency by its three letters, such as TWD", field=("currency",))
    return code


def check_idempotency_key(key: str) -> str:
    if not key or len(key) > IDEMPOTENCY_KEY_LENGTH or not key.isprintable():
        said = f"an idempotency key has 1 to {IDEMPOTENCY_KEY_LENGTH} printable characters"
        raise DomainError(said, field=("idempotencyKey",))
    return key


def check_scopes(names: list[str]) -> frozenset[TokenScope]:
    known = {scope.value for scope in TokenScope}
    wrong = [name for name in names if name not in known]
    if wrong or not names:
        said = f"{wrong[0]!r} is no scope" if wrong else "a token needs a scope"
        code = ErrorCode.INVALID if wrong else ErrorCode.REQUIRED
        raise DomainError(f"{said}: choose of {', '.join(sorted(known))}", field=("scopes",), code=code)
    return frozenset(TokenScope(name) for name in names)


def _checksum(secret: str) -> str:
    value = crc32(secret.encode(errors="replace"))
    return "".join(_ALPHABET[value // 62**place % 62] for place in range(_CHECKSUM_LENGTH))
