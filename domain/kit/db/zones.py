"""Days, weekdays and hours of instants by a zone's clock, which SQLite knows nothing of."""

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
class Local:
    """Monday is 1; hours go from 0 to 23."""

    weekday: ColumnElement[int]
    month_day: ColumnElement[int]
    hour: ColumnElement[int]


def local(at: ColumnElement[Any], timezone: str, dialect: str) -> Local:
    """Of an `Instant`. On SQLite by the zone's rules from 1970 to 2069."""
    if dialect == "postgresql":
        there = func.timezone(timezone, at)
        return Local(*(cast(extract(part, there), SmallInteger) for part in ("isodow", "day", "hour")))
    moment = type_coerce(at, BigInteger()) // _MICROSECONDS + _offset(at, timezone)

    def part(code: str) -> ColumnElement[int]:
        return cast(func.strftime(code, moment, "unixepoch", type_=Text()), SmallInteger)

    return Local((part("%w") + 6) % 7 + 1, part("%d"), part("%H"))


def day_number(at: ColumnElement[Any], timezone: str, dialect: str) -> ColumnElement[int]:
    """Of an `Instant`: days since the first of 1970 by the zone's calendar."""
    if dialect == "postgresql":
        days = cast(func.timezone(timezone, at), Date) - literal(_FIRST.date(), Date())
        return type_coerce(days, Integer())
    return (type_coerce(at, BigInteger()) // _MICROSECONDS + _offset(at, timezone)) // _SECONDS_A_DAY


def _offset(at: ColumnElement[Any], timezone: str) -> ColumnElement[int]:
    """Seconds east of Greenwich."""
    changes = _changes(timezone)
    stored = type_coerce(at, BigInteger())
    ends = [(stored < int(end.timestamp()) * _MICROSECONDS, offset) for (_, offset), (end, _) in pairwise(changes)]
    return case(*ends, else_=changes[-1][1]) if ends else literal(changes[-1][1])


@lru_cache(maxsize=64)
def _changes(timezone: str) -> list[tuple[datetime, int]]:
    """Each offset, and since when it holds."""
    zone = ZoneInfo(timezone)
    found, at = [(_FIRST, _seconds(_FIRST, zone))], _FIRST
    while at < _LAST:
        following = at + _STEP
        if _seconds(following, zone) != found[-1][1]:
            found.append((_change_between(at, following, zone), _seconds(following, zone)))
        at = following
    return found


def _change_between(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    before = _seconds(low, zone)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if _seconds(middle, zone) == before else (low, middle)
    return high


def _seconds(at: datetime, zone: ZoneInfo) -> int:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
