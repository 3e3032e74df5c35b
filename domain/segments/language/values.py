"""Read JSON's values as those that conditions compare with, or say what is wrong with them."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime

from domain.kit.values import FIRST_YEAR, LAST_YEAR, ValueType
from domain.segments.filters import Value

TEXT_LENGTH = 500
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class InvalidValue:
    """Why something is no value, as the end of a sentence that begins with it."""

    reason: str


def read_value(kind: ValueType, raw: object) -> Value | InvalidValue:
    """Return a JSON value as one of the type, or why it is none."""
    match kind:
        case ValueType.STRING:
            return _read_text(raw)
        case ValueType.NUMBER:
            return _read_number(raw)
        case ValueType.BOOLEAN:
            return raw if isinstance(raw, bool) else InvalidValue("is neither true nor false")
        case ValueType.DATE:
            return _read_day(raw)
        case ValueType.DATETIME:
            return read_moment(raw)


def quoted(raw: object) -> str:
    """Return a value as an error quotes it."""
    text = f'"{raw}"' if isinstance(raw, str) else str(raw)
    return (
        text.encode(errors="replace").decode()
        if len(text) <= 60
        else f"{text[:57]}...".encode(errors="replace").decode()
    )


def read_moment(raw: object) -> datetime | date | InvalidValue:
    """Return an instant with its offset, or a day, or why it is neither."""
    wrong = InvalidValue('is no time: write one such as "2026-07-01T09:00:00Z", or a day such as "2026-07-01"')
    if not isinstance(raw, str) or not raw.isascii():
        return wrong
    day = _read_day(raw)
    if not isinstance(day, InvalidValue):
        return day
    try:
        moment = datetime.fromisoformat(raw)
        if moment.tzinfo is None:
            return InvalidValue("has no offset: write an instant such as 2026-07-01T09:00:00Z") if "T" in raw else wrong
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return wrong
    return (
        moment if FIRST_YEAR <= moment.year <= LAST_YEAR else InvalidValue(f"is not from {FIRST_YEAR} to {LAST_YEAR}")
    )


def _read_day(raw: object) -> date | InvalidValue:
    wrong = InvalidValue('is no day: write one such as "2026-07-01"')
    if not isinstance(raw, str) or len(raw) != 10 or not raw.isascii():
        return wrong
    try:
        day = date.fromisoformat(raw)
    except ValueError:
        return wrong
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else InvalidValue(f"is not from {FIRST_YEAR} to {LAST_YEAR}")


def _read_text(raw: object) -> str | InvalidValue:
    if not isinstance(raw, str):
        return InvalidValue('is no text: write it as "text"')
    if not raw:
        return InvalidValue("is empty: ask whether there is a value by IS_SET or IS_NOT_SET")
    if len(raw) > TEXT_LENGTH:
        return InvalidValue(f"has {len(raw)} characters: {TEXT_LENGTH} at most")
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in raw):
        return InvalidValue("holds a character that no text here has")
    return raw


def _read_number(raw: object) -> int | float | InvalidValue:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        return InvalidValue("is no number: write it as 12.5")
    if not math.isfinite(raw) or abs(raw) > _MOST:
        return InvalidValue(f"is out of range: numbers go from -{_MOST} to {_MOST}")
    return raw
