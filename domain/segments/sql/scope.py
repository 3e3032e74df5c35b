"""The scope of a filter: a store, a moment, a database."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from domain.kit.clock import day_of, midnight
from domain.segments.filters import Window

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class FilterScope:
    """Days are the store's: "the last N days" begin at 0:00 of the day N days ago and end now."""

    store_id: int
    timezone: str
    now: datetime
    dialect: str
    today: date = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "today", day_of(self.now, self.timezone))

    def day(self, days: int) -> date:
        return self.today + timedelta(days=days)

    def start(self, days: int) -> datetime:
        """Return 0:00 of the day so many days from today."""
        return midnight(self.day(days), self.timezone)

    def since(self, window: Window) -> datetime | None:
        """Return the start of "the last days" or "the last hours"; None for a window of instants, or of all time."""
        if window.last_hours is not None:
            return self.now - timedelta(hours=window.last_hours)
        return None if window.last_days is None else self.start(-window.last_days)

    def span(self, value: date | datetime) -> tuple[datetime, datetime]:
        """Return the first instant of a day or an instant, and the one after the last."""
        if isinstance(value, datetime):
            return value, value + _INSTANT
        return midnight(value, self.timezone), midnight(value + timedelta(days=1), self.timezone)
