"""Days and times as people write them, in an order that is given or that the column shows."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from domain.customers import values
from domain.imports.model import DateOrder
from domain.kit.errors import DomainError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_DAY = "(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = "(?P<year>[0-9]{4})"
_WEEKDAY = "(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]*\\s+)?"
# Dates that can be read in one way alone.
_PLAIN = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_YEAR}([-/.])(?P<month>[0-9]{{1,2}})\2{_DAY}(?![0-9])",
        rf"{_YEAR}\s*年\s*(?P<month>[0-9]{{1,2}})\s*月\s*(?P<day>[0-9]{{1,2}})\s*日",
        rf"{_WEEKDAY}{_DAY}[\s-]+{_MONTH}[\s,-]+{_YEAR}(?![0-9])",
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY},?\s+{_YEAR}(?![0-9])",
    )
)
_NUMERIC = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?![0-9])")
_TIME = re.compile(
    r"(?:\s+at\s+|,?\s+|t)(?P<before>上午|下午|午前|午後)?\s*"
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?"
    r"(?:\s*(?P<zone>z|utc|gmt|(?:utc|gmt)?(?P<sign>[+-])(?P<hours>[0-9]{1,2}):?(?P<minutes>[0-9]{2})?))?",
    re.IGNORECASE,
)


class OrderUnknown(Exception):
    """A date can be read as two days, and whether its column tells which was not looked at yet."""


@dataclass(frozen=True, slots=True)
class DateStyle:
    """The way in which a column's dates are written.

    `order` is the one that the caller gave or that the whole column shows; `examined` says that the column was looked
    at. A time without a zone is the store's, whose `zone` is. `latest_year` tells the century of years of two digits.
    """

    zone: tzinfo
    latest_year: int
    order: DateOrder | None = None
    examined: bool = False


def order_named(name: str | None) -> DateOrder | None:
    """Return the order of this name. Raise DomainError when there is none."""
    try:
        return None if name is None else DateOrder(name.strip().upper())
    except ValueError as error:
        raise DomainError(f"There is no order of dates {name!r}: there are {', '.join(DateOrder)}") from error


def day(text: str, style: DateStyle) -> date | None:
    """Return the day. Raise DomainError when the text is none, or OrderUnknown."""
    text = text.strip()
    if not text:
        return None
    read, rest = _day(text, style)
    clock = _clock(text, rest)
    # The day of an instant depends on where one is, unless it is the midnight of a program that has no days.
    if clock is not None and clock.tzinfo is not None and clock.replace(tzinfo=None) != time():
        raise _no_date(text, "a day without a time, such as 2026-07-01")
    return read


def moment(text: str, style: DateStyle) -> datetime | None:
    """Return the instant in UTC. Raise DomainError when the text is none, or OrderUnknown.

    A day is its midnight. Of a time that a clock change repeats it is the first, one that it skips is as if it had not.
    """
    text = text.strip()
    if not text:
        return None
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        read, rest = _day(text, style)
        written = datetime.combine(read, _clock(text, rest) or time())
    try:
        return values.in_utc(written if written.tzinfo is not None else written.replace(tzinfo=style.zone))
    except OverflowError as error:
        raise _no_date(text, "2026-07-01 09:00:00") from error


def possible_orders(cells: Iterable[str], orders: Iterable[DateOrder]) -> set[DateOrder]:
    """Return those of the orders in which every numeric date among the cells can be read."""
    possible = set(orders)
    for cell in cells:
        numbers = _NUMERIC.match(cell.strip())
        if numbers is not None:
            first, second = int(numbers[1]), int(numbers[3])
            if first > 12:
                possible.discard(DateOrder.MDY)
            if second > 12:
                possible.discard(DateOrder.DMY)
    return possible


def _day(text: str, style: DateStyle) -> tuple[date, str]:
    """Return the day that the text begins with, and what follows it."""
    for pattern in _PLAIN:
        parts = pattern.match(text)
        if parts is not None:
            month = parts["month"].lower()
            number = _MONTHS.index(month) + 1 if month in _MONTHS else int(month)
            return _date(text, int(parts["year"]), number, int(parts["day"])), text[parts.end() :]
    numbers = _NUMERIC.match(text)
    if numbers is None:
        raise _no_date(text, "2026-07-01")
    first, second, third = int(numbers[1]), int(numbers[3]), int(numbers[4])
    order = style.order or _only_order(first, second)
    if order is None:
        if not style.examined:
            raise OrderUnknown
        raise DomainError(f"{_shown(text)} can be two days: say the order of dates (dateOrder), or write 2026-07-01")
    short = len(numbers[4]) == 2
    match order:
        case DateOrder.DMY:
            year, month, day_of_month = third, second, first
        case DateOrder.MDY:
            year, month, day_of_month = third, first, second
        case DateOrder.YMD:
            if not short:
                raise _no_date(text, "the year first, as in 2026-07-01")
            year, month, day_of_month = first, second, third
    if short:
        year += style.latest_year // 100 * 100
        year -= 100 if year > style.latest_year else 0
    return _date(text, year, month, day_of_month), text[numbers.end() :]


def _only_order(first: int, second: int) -> DateOrder | None:
    """Return the order of two numbers of which one can be no month, or which are the same."""
    if first > 12 or first == second:
        return DateOrder.DMY
    return DateOrder.MDY if second > 12 else None


def _date(text: str, year: int, month: int, day_of_month: int) -> date:
    try:
        return date(year, month, day_of_month)
    except ValueError as error:
        raise _no_date(text, "2026-07-01") from error


def _clock(text: str, rest: str) -> time | None:
    """Return the time behind a day, with its zone if it has one; None where nothing follows."""
    if not rest.strip():
        return None
    parts = _TIME.fullmatch(rest.rstrip())
    if parts is None:
        raise _no_date(text, "2026-07-01 09:00:00")
    hour = int(parts["hour"])
    half = (parts["half"] or "").lower() or {"上": "a", "下": "p"}.get((parts["before"] or " ")[0], "")
    if parts["before"] in {"午前", "午後"}:
        half = "a" if parts["before"] == "午前" else "p"
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    microsecond = int((parts["fraction"] or "0").ljust(6, "0")[:6])
    zone: tzinfo | None = None
    try:
        if parts["sign"]:
            offset = timedelta(hours=int(parts["hours"]), minutes=int(parts["minutes"] or 0))
            zone = timezone(-offset if parts["sign"] == "-" else offset)
        elif parts["zone"]:
            zone = UTC
        return time(hour, int(parts["minute"]), int(parts["second"] or 0), microsecond, zone)
    except ValueError as error:
        raise _no_date(text, "2026-07-01 09:00:00") from error


def _no_date(text: str, example: str) -> DomainError:
    return DomainError(f"{_shown(text)} is no date: write {example}")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
