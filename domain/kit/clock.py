"""The one place that asks what time it is."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    return datetime.now(UTC)


class FileClock:
    """A clock that stands where a file says, so that months can be rehearsed in seconds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = float("-inf")
        self._now = self._read()

    def __call__(self) -> datetime:
        if monotonic() - self._read_at > 1:
            self._now = self._read()
        return self._now

    def _read(self) -> datetime:
        text = self._path.read_text(encoding="utf-8").strip()
        self._read_at = monotonic()
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError(f"{text!r} has no offset: write an instant such as 2026-07-01T09:00:00+00:00")
        return instant.astimezone(UTC)


def day_of(now: datetime, timezone: str) -> date:
    """Return the store's calendar day at an instant."""
    return now.astimezone(ZoneInfo(timezone)).date()


def midnight(day: date, timezone: str) -> datetime:
    """Return the instant at which a store's day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone)).astimezone(UTC)
