"""Kinds of values, and the absence of one."""

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
        """Where `customer_properties` keeps values of this type."""
        return self.value.lower()


class Unset(Enum):
    """Left out, which is not the same as null."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


Value = str | float | bool | date | datetime
