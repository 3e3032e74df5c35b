"""Text whose values a store has put in an order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.kit.errors import DomainError
from domain.segments.filters import ORDERED, AttributeCondition, Operator, Value
from domain.segments.sql.dimensions.customer import DimensionSource
from domain.segments.sql.predicates import NEVER, Predicate
from domain.segments.sql.projections import DimensionValue
from domain.segments.sql.scope import FilterScope


@dataclass(frozen=True, slots=True)
class RankedSource:
    """Text that is also compared by rank: "at least Silver" is one of Silver and Gold."""

    source: DimensionSource
    key: str
    ranks: tuple[str, ...]

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate:
        """Raise DomainError for a value that has no rank any more."""
        if condition.operator not in ORDERED:
            return self.source.predicate(condition, scope)
        values = self._between([self._rank(value) for value in condition.values], condition.operator)
        if not values:
            return NEVER
        return self.source.predicate(replace(condition, operator=Operator.IN, values=values), scope)

    def value(self, scope: FilterScope) -> DimensionValue | None:
        return self.source.value(scope)

    def _between(self, ranks: Sequence[int], operator: Operator) -> tuple[str, ...]:
        first, last = ranks[0], ranks[-1]
        match operator:
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

    def _rank(self, value: Value) -> int:
        if value not in self.ranks:
            raise DomainError(f"The filter compares {self.key} with {value!r}, which has no rank any more")
        return self.ranks.index(str(value))
