"""Brings the values of customers into the form in which they are stored, or raises DomainError with what is wrong."""

import re
from collections.abc import Callable, Iterable
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from enum import StrEnum
from hashlib import blake2s
from math import isfinite
from typing import TypeVar
from unicodedata import category, normalize

import phonenumbers
from muster_sdk import AddressKind

from domain.addresses import canonical_email
from domain.kit.errors import DomainError, ErrorCode
from domain.kit.values import Value, ValueType

Choice = TypeVar("Choice", bound=StrEnum)

# What phonenumbers knows, Kosovo's XK included, and the inhabited-by-few rest of ISO 3166-1.
COUNTRIES = (frozenset(phonenumbers.SUPPORTED_REGIONS) - {"AC", "TA"}) | frozenset(
    {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}
)
MAX_TAGS = 250

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# A country's code and a zero, which most countries dial in front of national numbers alone: +8860912345678.
_TRUNK_ZERO = re.compile(rf"\+(?:{'|'.join(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))})0")
_LOCALE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?((?:[-_][A-Za-z0-9]{5,8})*)")
_CHANNEL = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_LEFT_OUT = frozenset({"Cc", "Cs", "Zl", "Zp"})


def text(value: str, longest: int) -> str | None:
    """Return the text trimmed and in NFC, None when nothing is left."""
    value = _composed(value.strip())
    if len(value) > longest:
        raise DomainError(f"has {len(value)} characters: {longest} at most")
    if not value.isprintable():
        _refuse_controls(value)
    return value or None


def _composed(value: str) -> str:
    """Return the text in NFC, in which an accent is a part of its letter, however it was typed."""
    return value if value.isascii() else normalize("NFC", value)


def _refuse_controls(value: str) -> None:
    bad = next((char for char in value if category(char) in _LEFT_OUT), None)
    if bad is not None:
        raise DomainError(f"holds the control character U+{ord(bad):04X}: remove it")


def email(value: str) -> str | None:
    value = value.strip()
    return canonical_email(value) if value else None


def phone(value: str, country: str | None) -> str | None:
    """Return the number as E.164; one without a country code is read as the customer's country's."""
    value = value.strip()
    if not value:
        return None
    if _E164.fullmatch(value) and not ("0" in value[2:5] and _TRUNK_ZERO.match(value)):
        return value
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException as error:
        raise _no_phone(value, country) from error
    if not phonenumbers.is_possible_number(number):
        raise _no_phone(value, country)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _no_phone(value: str, country: str | None) -> DomainError:
    where = f"in {country}" if country else "without a country"
    return DomainError(f"{_shown(value)} is no phone number {where}: write it as +886912345678")


def address(value: str, kind: AddressKind, country: str | None) -> str | None:
    """Return an address as the channels of the kind take it."""
    match kind:
        case AddressKind.EMAIL:
            return email(value)
        case AddressKind.PHONE:
            return phone(value, country)
        case AddressKind.HANDLE:
            return text(value, 500)


def choice(value: str, choices: type[Choice]) -> Choice | None:
    value = value.strip().upper()
    if not value:
        return None
    try:
        return choices(value)
    except ValueError as error:
        raise DomainError(f"{_shown(value)} is none of {', '.join(choices)}") from error


def locale(value: str) -> str | None:
    """Return the BCP 47 tag in its usual case, as in zh-Hant-TW."""
    value = value.strip()
    if not value:
        return None
    parts = _LOCALE.fullmatch(value) if len(value) <= 35 else None
    if parts is None:
        raise DomainError(f"{_shown(value)} is no BCP 47 locale: write one such as zh-TW or en")
    language, script, region, variants = parts.groups()
    named = [language.lower(), script and script.title(), region and region.upper()]
    return "-".join(part for part in named if part) + variants.replace("_", "-").lower()


def country(value: str) -> str | None:
    value = value.strip().upper()
    if value and value not in COUNTRIES:
        raise DomainError(f"{_shown(value)} is no ISO 3166-1 alpha-2 country: write one such as TW")
    return value or None


def day(value: str) -> date | None:
    value = value.strip()
    if not value:
        return None
    try:
        return date.fromisoformat(value if len(value) == 10 else "")
    except ValueError as error:
        raise DomainError(f"{_shown(value)} is no date: write it as 2026-07-01") from error


def instant(value: str) -> datetime | None:
    """Return the instant in UTC; it is written with its offset."""
    value = value.strip()
    if not value:
        return None
    try:
        return in_utc(datetime.fromisoformat(value))
    except (ValueError, DomainError) as error:
        raise DomainError(f"{_shown(value)} is no instant: write it as 2026-07-01T09:00:00Z") from error


def in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise DomainError("has no offset: write it as 2026-07-01T09:00:00Z")
    # So that every zone has it: exports show it by the store's clock.
    if not MINYEAR < moment.year < MAXYEAR:
        raise DomainError(f"is out of range: the years {MINYEAR + 1} to {MAXYEAR - 1}")
    return moment.astimezone(UTC)


def boolean(value: str) -> bool | None:
    value = value.strip().lower()
    if value and value not in _BOOLEANS:
        raise DomainError(f"{_shown(value)} is neither true nor false")
    return _BOOLEANS.get(value)


def number(value: str) -> float | None:
    value = value.strip()
    if not value:
        return None
    if not _NUMBER.fullmatch(value) or not isfinite(read := float(value)):
        raise DomainError(f"{_shown(value)} is no number: write it as 1234.5")
    return read


def tags(values: Iterable[str]) -> list[str]:
    """Return the tags trimmed, each once, in their order."""
    unique = dict.fromkeys(tag for value in values if (tag := text(value, 100)))
    if len(unique) > MAX_TAGS:
        raise DomainError(f"there are {len(unique)} tags: {MAX_TAGS} at most", code=ErrorCode.LIMIT_EXCEEDED)
    return list(unique)


def channel(value: str) -> str:
    if not _CHANNEL.fullmatch(value):
        raise DomainError(f"{_shown(value)} is no channel's key: write one such as email")
    return value


def property_key(value: str) -> str:
    if not _KEY.fullmatch(value):
        raise DomainError(f"{_shown(value)} is no key: letters, digits and _, a letter first, 64 at most")
    return value


def key_of_label(label: str) -> str:
    """Return the key of a property with this label: the label itself where it can be one, or one made of it.

    What a key cannot hold of the label is told apart by a hash, so that a label has one key.
    """
    if _KEY.fullmatch(label):
        return label
    label = text(label, 100) or ""
    letters = [character for character in normalize("NFKD", label) if character.isalnum()]
    if not letters:
        raise DomainError(f"{_shown(label)} is no property's name: it needs a letter or a digit")
    key = "_".join(re.findall(r"[a-z0-9]+", "".join(filter(str.isascii, normalize("NFKD", label))).lower()))
    if _KEY.fullmatch(key) and all(letter.isascii() for letter in letters):
        return key
    digest = blake2s(normalize("NFC", label).casefold().encode(), digest_size=4).hexdigest()
    return f"{key[:50]}_{digest}" if key[:1].isalpha() else f"property_{digest}"


def note(value: str) -> str | None:
    """Return text of several lines."""
    value = _composed(value.strip())
    if len(value) > 2_000:
        raise DomainError(f"has {len(value)} characters: 2000 at most")
    _refuse_controls(value.replace("\n", "").replace("\r", "").replace("\t", ""))
    return value or None


def degrees(value: float, most: int) -> float:
    read = _finite(value)
    if abs(read) > most:
        raise DomainError(f"{read:g} is out of range: -{most} to {most} degrees")
    return read


def string(value: str) -> str | None:
    return text(value, 500)


READ: dict[ValueType, Callable[[str], Value | None]] = {
    ValueType.STRING: string,
    ValueType.NUMBER: number,
    ValueType.BOOLEAN: boolean,
    ValueType.DATE: day,
    ValueType.DATETIME: instant,
}


def property_value(value: object, kind: ValueType) -> Value | None:
    """Return a JSON value as the property's type; None deletes it."""
    match value:
        case None:
            return None
        case bool() if kind is ValueType.BOOLEAN:
            return value
        case bool():
            raise _no_value(value, kind)
        case int() | float() if kind is ValueType.NUMBER:
            return _finite(value)
        case str() if kind is not ValueType.NUMBER and kind is not ValueType.BOOLEAN:
            return READ[kind](value)
        case _:
            raise _no_value(value, kind)


def _finite(value: float) -> float:
    try:
        read = float(value)
    except OverflowError as error:
        raise DomainError("is too large a number") from error
    if not isfinite(read):
        raise DomainError("is no finite number")
    return read


_EXAMPLES = {
    ValueType.STRING: '"text"',
    ValueType.NUMBER: "12.5",
    ValueType.BOOLEAN: "true",
    ValueType.DATE: '"2026-07-01"',
    ValueType.DATETIME: '"2026-07-01T09:00:00Z"',
}


def _no_value(value: object, kind: ValueType) -> DomainError:
    return DomainError(f"{_shown(str(value))} is no {kind}: write a value such as {_EXAMPLES[kind]}")


def _shown(value: str) -> str:
    return repr(value if len(value) <= 60 else f"{value[:57]}...")
