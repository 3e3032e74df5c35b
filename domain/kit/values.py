"""Types of values that properties, events and filters share, and the absence of a value."""

from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Final

from domain.kit.errors import DomainError


class ValueType(StrEnum):
    STRING = "STRING"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    DATETIME = "DATETIME"

    @property
    def column(self) -> str:
        """The column of `customer_properties` that stores values of this type."""
        return self.value.lower()


class Unset(Enum):
    """A field that was left out, which is not the same as null."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


Value = str | float | bool | date | datetime


# Of what happens to customers, and of what filters ask for: no clock of a store's leaves the calendar there.
FIRST_YEAR, LAST_YEAR = 1000, 9000


def check_years(moment: datetime) -> datetime:
    """Return the moment. Raise DomainError when it is outside these years."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise DomainError(f"is outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment
