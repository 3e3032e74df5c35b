"""A store's settings and limits, and the tokens that give access to it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from hashlib import sha256
from secrets import choice
from string import ascii_letters, digits
from typing import TypeVar
from uuid import UUID
from zlib import crc32
from zoneinfo import ZoneInfo, available_timezones

from domain.kit.clock import midnight
from domain.kit.errors import DomainError, ErrorCode, ErrorCollector
from domain.kit.values import check_years

STATIC_SEGMENT_MEMBERS = 10_000
PROPERTY_CONDITIONS = 5
IDEMPOTENCY_KEY_LENGTH = 200
NAME_LENGTH = 100
# Tokens of a store that are not revoked: all of them are listed at once.
MOST_TOKENS = 250
# Days for which entries of the audit log are kept, and what a store may choose instead.
AUDIT_DAYS = 365
MIN_AUDIT_DAYS, MAX_AUDIT_DAYS = 30, 3_650
# A store's limits can be raised up to here.
_MAX_STATIC_SEGMENT_MEMBERS = 1_000_000
_MAX_PROPERTY_CONDITIONS = 100

T = TypeVar("T")

_TOKEN_PREFIX = "muster_"  # noqa: S105 - what every token begins with
_ALPHABET = digits + ascii_letters
_SECRET_LENGTH = 43  # 62^43 > 2^256
_CHECKSUM_LENGTH = 6
_MAX_STORE_ID = 2**31 - 1
_DAYS = re.compile(r"(\d{1,5})d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a store may have of what costs much."""

    static_segment_members: int
    property_conditions: int


@dataclass(frozen=True, slots=True)
class Store:
    id: int
    name: str
    timezone: str
    currency: str
    limits: Limits
    audit_days: int = AUDIT_DAYS


@dataclass(frozen=True, slots=True)
class StoreChange:
    """A change of a store's settings; None leaves a setting as it is."""

    name: str | None = None
    timezone: str | None = None
    currency: str | None = None
    static_segment_members: int | None = None
    property_conditions: int | None = None
    audit_days: int | None = None


class TokenScope(StrEnum):
    """The right that a token gives; `admin` gives all of them."""

    READ = "read"
    WRITE = "write"
    SEND = "send"
    REWARDS = "rewards"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """The signed-in caller: a token of a store."""

    store: Store
    token_id: UUID
    scopes: frozenset[TokenScope]
    expires_at: datetime | None = None
    token_name: str = ""

    def may(self, scope: TokenScope) -> bool:
        return scope in self.scopes or TokenScope.ADMIN in self.scopes


@dataclass(frozen=True, slots=True)
class Credential:
    """A token as it was looked up: whom it signs in, unless it is revoked or expired."""

    principal: Principal
    revoked_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        expires_at = self.principal.expires_at
        return self.revoked_at is None and (expires_at is None or expires_at > now)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as it is listed: without the secret, which nobody has but its owner."""

    id: UUID
    name: str
    scopes: frozenset[TokenScope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    def recorded(self) -> dict[str, object]:
        """Return what the audit log records of it."""
        expires_at = None if self.expires_at is None else self.expires_at.isoformat()
        return {"name": self.name, "scopes": sorted(self.scopes), "expiresAt": expires_at}


@dataclass(frozen=True, slots=True)
class TokenDraft:
    """A token to be made, as its creator asks for it."""

    name: str
    scopes: frozenset[TokenScope]
    expires_at: datetime | None = None


def draft_token(
    name: str, scopes: list[str], expires_at: datetime | None, now: datetime, *, creator: Principal | None
) -> TokenDraft:
    """Return the draft. Raise DomainErrors with every value that is refused.

    A creator that is signed in gives no scope that it has not; the command line has no such creator.
    """
    errors = ErrorCollector()
    draft = TokenDraft("", frozenset())
    with errors.under():
        draft = replace(draft, name=check_printable(name, "A token's name"))
    with errors.under():
        draft = replace(draft, scopes=check_scopes(scopes))
        exceeding = sorted(scope for scope in draft.scopes if creator is not None and not creator.may(scope))
        if exceeding:
            raise DomainError(f'This token has not the scope "{exceeding[0]}" that it would give', field=("scopes",))
    with errors.under():
        draft = replace(draft, expires_at=None if expires_at is None else _check_expiry(expires_at, now))
    errors.raise_any()
    return draft


def _check_expiry(expires_at: datetime, now: datetime) -> datetime:
    if expires_at <= now:
        message = f"{expires_at.isoformat()} is over: give a time to come, or none for a token that does not expire"
        raise DomainError(message, field=("expiresAt",))
    try:
        return check_years(expires_at)
    except DomainError as error:
        raise DomainError(f"expiresAt {error.message}", field=("expiresAt",)) from None


def expiry_of(text: str, now: datetime, timezone: str) -> datetime:
    """Return the moment that "90d" or a day names: so many days from now, or 0:00 of that day in the zone."""
    days = _DAYS.fullmatch(text)
    try:
        return now + timedelta(int(days[1])) if days else midnight(date.fromisoformat(text), timezone)
    except (ValueError, OverflowError):
        message = f"{text!r} is no time to expire: write days such as 90d, or a day such as 2027-01-31"
        raise DomainError(message, field=("expiresAt",)) from None


def new_token(store_id: int) -> str:
    """Return 256 random bits behind the store's number, with a checksum by which a typo is known at once.

    Secret scanners know a token by its prefix.
    """
    secret = f"{store_id}_" + "".join(choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return f"{_TOKEN_PREFIX}{secret}{_checksum(secret)}"


def token_hash(token: str) -> bytes | None:
    """Return the hash by which a token is stored, None for a text that cannot be a token."""
    secret, checksum = token[len(_TOKEN_PREFIX) : -_CHECKSUM_LENGTH], token[-_CHECKSUM_LENGTH:]
    if not token.startswith(_TOKEN_PREFIX) or not token.isascii() or _checksum(secret) != checksum:
        return None
    return sha256(token.encode()).digest()


def token_store(token: str) -> int | None:
    """Return the number of the token's store; None for a token of an earlier release, which has none."""
    number, separator, _ = token.removeprefix(_TOKEN_PREFIX).partition("_")
    is_number = separator and number.isascii() and number.isdecimal() and len(number) <= len(str(_MAX_STORE_ID))
    return int(number) if is_number and int(number) <= _MAX_STORE_ID else None


def check_timezone(name: str) -> str:
    if name not in available_timezones():
        raise DomainError(f"{name!r} is no IANA time zone: write one such as Asia/Taipei or UTC", field=("timezone",))
    ZoneInfo(name)
    return name


def apply_change(store: Store, change: StoreChange) -> Store:
    """Return the changed store. Raise DomainErrors with every value that is refused."""
    errors = ErrorCollector()

    def checked(value: T | None, check: Callable[[T], T], current: T) -> T:
        if value is not None:
            with errors.under():
                return check(value)
        return current

    current = store.limits
    changed = Store(
        store.id,
        checked(change.name, partial(check_printable, noun="A store's name"), store.name),
        checked(change.timezone, check_timezone, store.timezone),
        checked(change.currency, _check_currency, store.currency),
        Limits(
            checked(
                change.static_segment_members,
                partial(_check_limit, "staticSegmentMembers", _MAX_STATIC_SEGMENT_MEMBERS),
                current.static_segment_members,
            ),
            checked(
                change.property_conditions,
                partial(_check_limit, "propertyConditions", _MAX_PROPERTY_CONDITIONS),
                current.property_conditions,
            ),
        ),
        checked(change.audit_days, _check_audit_days, store.audit_days),
    )
    errors.raise_any()
    return changed


def _check_limit(field: str, most: int, number: int) -> int:
    if not 1 <= number <= most:
        raise DomainError(f"Write a number from 1 to {most:,}", field=(field,))
    return number


def _check_audit_days(days: int) -> int:
    if not MIN_AUDIT_DAYS <= days <= MAX_AUDIT_DAYS:
        message = f"The audit log is kept for {MIN_AUDIT_DAYS} to {MAX_AUDIT_DAYS:,} days"
        raise DomainError(message, field=("auditDays",))
    return days


def check_printable(name: str, noun: str) -> str:
    """Return the name without the space around it. Raise DomainError when it is empty, too long or unreadable."""
    if not name.strip() or len(name.strip()) > NAME_LENGTH or not name.isprintable():
        raise DomainError(f"{noun} has 1 to {NAME_LENGTH} printable characters", field=("name",))
    return name.strip()


def _check_currency(code: str) -> str:
    if len(code) != 3 or not code.isascii() or not code.isalpha() or not code.isupper():
        raise DomainError("Write a currency by its three letters, such as TWD", field=("currency",))
    return code


def check_idempotency_key(key: str) -> str:
    if not key or len(key) > IDEMPOTENCY_KEY_LENGTH or not key.isprintable():
        message = f"An idempotency key has 1 to {IDEMPOTENCY_KEY_LENGTH} printable characters"
        raise DomainError(message, field=("idempotencyKey",))
    return key


def check_scopes(names: list[str]) -> frozenset[TokenScope]:
    scopes = {scope.value for scope in TokenScope}
    unknown = [name for name in names if name not in scopes]
    if unknown or not names:
        problem = f"{unknown[0]!r} is no scope" if unknown else "A token needs a scope"
        code = ErrorCode.INVALID if unknown else ErrorCode.REQUIRED
        raise DomainError(f"{problem}: choose from {', '.join(sorted(scopes))}", field=("scopes",), code=code)
    return frozenset(TokenScope(name) for name in names)


def _checksum(secret: str) -> str:
    value = crc32(secret.encode(errors="replace"))
    return "".join(_ALPHABET[value // 62**digit % 62] for digit in range(_CHECKSUM_LENGTH))
