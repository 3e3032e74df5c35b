"""Whole numbers whose ranges have names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, false, or_

from domain.segments.filters import Operator, Value
from domain.segments.sql.columns.values import Interval, in_interval
from domain.segments.sql.projections import ColumnValue
from domain.segments.sql.scope import FilterScope


@dataclass(frozen=True, slots=True)
class BandColumn:
    """A whole number, shown and compared by the names of its ranges."""

    expression: ColumnElement[Any]
    bands: Mapping[str, Interval]

    def matches(self, _: Operator, values: Sequence[Value], __: FilterScope) -> ColumnElement[bool]:
        return or_(false(), *(in_interval(self.expression, self.bands[str(value)]) for value in values))

    def value(self, _: FilterScope) -> ColumnValue:
        def band_of(number: int) -> str | None:
            for name, (low, high) in self.bands.items():
                if (low is None or low <= number) and (high is None or number <= high):
                    return name
            return None

        return ColumnValue(self.expression, band_of)
