"""Values that a store has put in an order, and figures that have a name for a range."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, false, or_

from domain.errors import DomainError
from domain.segments.conditions.columns import Interval, within
from domain.segments.conditions.customers import NEVER, Source
from domain.segments.conditions.leaf import Compiled
from domain.segments.conditions.scope import Scope
from domain.segments.filters import ORDERED, Attribute, Operator, Value


@dataclass(frozen=True, slots=True)
class Ranked:
    """Text that is also compared by rank: "at least Silver" is one of Silver and Gold."""

    source: Source
    key: str
    ranks: tuple[str, ...]

    def leaf(self, condition: Attribute, scope: Scope) -> Compiled:
        if condition.operator not in ORDERED:
            return self.source.leaf(condition, scope)
        allowed = self._allowed(condition)
        return self.source.leaf(replace(condition, operator=Operator.IN, values=allowed), scope) if allowed else NEVER

    def _allowed(self, condition: Attribute) -> tuple[str, ...]:
        places = [self._place(value) for value in condition.values]
        first, last = places[0], places[-1]
        match condition.operator:
            case Operator.LT:
                return self.ranks[:first]
            case Operator.LTE:
                return self.ranks[: first + 1]
            case Operator.GT:
                return self.ranks[first + 1 :]
            case Operator.GTE:
                return self.ranks[first:]
            case _:
                return self.ranks[first : last + 1]

    def _place(self, value: Value) -> int:
        if value not in self.ranks:
            raise DomainError(f"The filter compares {self.key} with {value!r}, which has no rank any more")
        return self.ranks.index(str(value))


@dataclass(frozen=True, slots=True)
class BandColumn:
    """A whole number, whose ranges have names."""

    expression: ColumnElement[Any]
    bands: Mapping[str, Interval]

    def holds(self, _: Operator, values: Sequence[Value], __: Scope) -> ColumnElement[bool]:
        return or_(false(), *(within(self.expression, self.bands[str(value)]) for value in values))
