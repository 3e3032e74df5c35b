"""Types of values that properties, events and filters share, and the absence of a value."""

from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Final


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
