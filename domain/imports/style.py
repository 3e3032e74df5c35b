"""The style of a file: what its dates mean, and the zone and the country of its store."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from domain.imports.format import ImportKey
from domain.imports.model import DateOrder, Progress
from domain.imports.values.dates import DateStyle
from domain.imports.values.phones import country_of_zone
from domain.kit.db import Transaction
from domain.stores import queries as stores

# How far ahead a year of two digits may lie, as in 12/31/45, unless somebody was born in it.
_YEARS_AHEAD = 20


@dataclass(frozen=True, slots=True)
class FileStyle:
    """The style of a file; national numbers of rows without a country are of `country`, where the store's zone lies."""

    zone: ZoneInfo
    sent_at: datetime
    progress: Progress

    @property
    def country(self) -> str | None:
        return country_of_zone(self.zone.key)

    def dates(self, column: str) -> DateStyle:
        """Return how the dates of a column are written, whose field is of this name."""
        latest_year = self.sent_at.year + (0 if column == "birthday" else _YEARS_AHEAD)
        examined = column in self.progress.date_orders
        order = self.progress.options.date_order or self.progress.date_orders.get(column)
        return DateStyle(self.zone, latest_year, DateOrder(order) if order else None, examined)


async def style_of(tx: Transaction, key: ImportKey, progress: Progress) -> FileStyle:
    return FileStyle(ZoneInfo(await stores.timezone_of(tx, key.store_id)), key.sent_at, progress)
