"""Days, weekdays and hours of instants by a zone's clock: SQLite has no zones, so that their rules become a CASE."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    SmallInteger,
    Text,
    case,
    cast,
    extract,
    func,
    literal,
    type_coerce,
)

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2070, 1, 1, tzinfo=UTC)
_STEP = timedelta(days=7)
_MICROSECONDS = 1_000_000
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class LocalTime:
    """Monday is 1; hours go from 0 to 23."""

    weekday: ColumnElement[int]
    month_day: ColumnElement[int]
    hour: ColumnElement[int]


def local_time(instant: ColumnElement[Any], timezone: str, dialect: str) -> LocalTime:
    """Return the weekday, day and hour of an `Instant` in the zone; on SQLite by its rules from 1970 to 2069."""
    if dialect == "postgresql":
        local = func.timezone(timezone, instant)
        return LocalTime(*(cast(extract(field, local), SmallInteger) for field in ("isodow", "day", "hour")))
    local_seconds = type_coerce(instant, BigInteger()) // _MICROSECONDS + _offset(instant, timezone)

    def part(code: str) -> ColumnElement[int]:
        return cast(func.strftime(code, local_seconds, "unixepoch", type_=Text()), SmallInteger)

    return LocalTime((part("%w") + 6) % 7 + 1, part("%d"), part("%H"))


def day_number(instant: ColumnElement[Any], timezone: str, dialect: str) -> ColumnElement[int]:
    """Return the day of an `Instant` by the zone's calendar, in days since the first of 1970."""
    if dialect == "postgresql":
        days = cast(func.timezone(timezone, instant), Date) - literal(_FIRST.date(), Date())
        return type_coerce(days, Integer())
    return (type_coerce(instant, BigInteger()) // _MICROSECONDS + _offset(instant, timezone)) // _SECONDS_A_DAY


@dataclass(frozen=True, slots=True)
class _OffsetChange:
    """Seconds east of Greenwich, and since when they hold."""

    since: datetime
    offset: int


def _offset(instant: ColumnElement[Any], timezone: str) -> ColumnElement[int]:
    """Return the seconds east of Greenwich that hold at the instant."""
    changes = _offset_changes(timezone)
    stored = type_coerce(instant, BigInteger())
    whens = [
        (stored < int(following.since.timestamp()) * _MICROSECONDS, change.offset)
        for change, following in pairwise(changes)
    ]
    return case(*whens, else_=changes[-1].offset) if whens else literal(changes[-1].offset)


@lru_cache(maxsize=64)
def _offset_changes(timezone: str) -> list[_OffsetChange]:
    zone = ZoneInfo(timezone)
    changes, instant = [_OffsetChange(_FIRST, _offset_at(_FIRST, zone))], _FIRST
    while instant < _LAST:
        following = instant + _STEP
        if _offset_at(following, zone) != changes[-1].offset:
            # The second at which it changes lies between: halve the step until it is left.
            low, high = instant, following
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (middle, high) if _offset_at(middle, zone) == changes[-1].offset else (low, middle)
            changes.append(_OffsetChange(high, _offset_at(following, zone)))
        instant = following
    return changes


def _offset_at(instant: datetime, zone: ZoneInfo) -> int:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
