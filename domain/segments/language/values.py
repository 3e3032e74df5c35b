"""From JSON's values to those that conditions compare with, or what is wrong with them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from domain.kit.values import ValueType
from domain.segments.filters import Value

TEXT_LENGTH = 500
FIRST_YEAR, LAST_YEAR = 1000, 9000
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why something is no value: follows it in a sentence."""

    why: str


def read_value(kind: ValueType, raw: object) -> Value | Wrong:
    return _READ[kind](raw)


def shown(raw: object) -> str:
    """A value as an error quotes it."""
    text = f'"{raw}"' if isinstance(raw, str) else str(raw)
    return (
        text.encode(errors="replace").decode()
        if len(text) <= 60
        else f"{text[:57]}...".encode(errors="replace").decode()
    )


def read_moment(raw: object) -> datetime | date | Wrong:
    """An instant with its offset, or a day."""
    wrong = Wrong('is no time: write one such as "2026-07-01T09:00:00Z", or a day such as "2026-07-01"')
    if not isinstance(raw, str) or not raw.isascii():
        return wrong
    day = _read_day(raw)
    if not isinstance(day, Wrong):
        return day
    try:
        moment = datetime.fromisoformat(raw)
        if moment.tzinfo is None:
            return Wrong("has no offset: write an instant such as 2026-07-01T09:00:00Z") if "T" in raw else wrong
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return wrong
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else Wrong(f"is not from {FIRST_YEAR} to {LAST_YEAR}")


def _read_day(raw: object) -> date | Wrong:
    wrong = Wrong('is no day: write one such as "2026-07-01"')
    if not isinstance(raw, str) or len(raw) != 10 or not raw.isascii():
        return wrong
    try:
        day = date.fromisoformat(raw)
    except ValueError:
        return wrong
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else Wrong(f"is not from {FIRST_YEAR} to {LAST_YEAR}")


def _read_text(raw: object) -> str | Wrong:
    if not isinstance(raw, str):
        return Wrong('is no text: write it as "text"')
    if not raw:
        return Wrong("is empty: ask whether there is a value by IS_SET or IS_NOT_SET")
    if len(raw) > TEXT_LENGTH:
        return Wrong(f"has {len(raw)} characters: {TEXT_LENGTH} at most")
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in raw):
        return Wrong("holds a character that no text here has")
    return raw


def _read_number(raw: object) -> int | float | Wrong:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        return Wrong("is no number: write it as 12.5")
    if not math.isfinite(raw) or abs(raw) > _MOST:
        return Wrong(f"is out of range: numbers go from -{_MOST} to {_MOST}")
    return raw


def _read_flag(raw: object) -> bool | Wrong:
    return raw if isinstance(raw, bool) else Wrong("is neither true nor false")


_READ: Mapping[ValueType, Callable[[object], Value | Wrong]] = {
    ValueType.STRING: _read_text,
    ValueType.NUMBER: _read_number,
    ValueType.BOOLEAN: _read_flag,
    ValueType.DATE: _read_day,
    ValueType.DATETIME: read_moment,
}
