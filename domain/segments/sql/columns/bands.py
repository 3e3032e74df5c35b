"""Whole numbers whose ranges have names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, false, or_

from domain.segments.filters import Operator, Value
from domain.segments.sql.columns.values import Interval, in_interval
from domain.segments.sql.scope import FilterScope


@dataclass(frozen=True, slots=True)
class BandColumn:
    """A whole number, whose ranges have names."""

    expression: ColumnElement[Any]
    bands: Mapping[str, Interval]

    def matches(self, _: Operator, values: Sequence[Value], __: FilterScope) -> ColumnElement[bool]:
        return or_(false(), *(in_interval(self.expression, self.bands[str(value)]) for value in values))
