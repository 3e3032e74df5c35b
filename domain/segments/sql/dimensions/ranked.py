"""Text whose values a store has put in an order."""

from dataclasses import dataclass, replace

from domain.kit.errors import DomainError
from domain.segments.filters import ORDERED, AttributeCondition, Operator
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
        """Return the predicate of the values between. Raise DomainError for a value that has no rank any more."""
        if condition.operator not in ORDERED:
            return self.source.predicate(condition, scope)
        for value in condition.values:
            if value not in self.ranks:
                raise DomainError(f"The filter compares {self.key} with {value!r}, which has no rank any more")
        first, last = (self.ranks.index(str(condition.values[end])) for end in (0, -1))
        match condition.operator:
            case Operator.LT:
                values = self.ranks[:first]
            case Operator.LTE:
                values = self.ranks[: first + 1]
            case Operator.GT:
                values = self.ranks[first + 1 :]
            case Operator.GTE:
                values = self.ranks[first:]
            case _:
                values = self.ranks[first : last + 1]
        if not values:
            return NEVER
        return self.source.predicate(replace(condition, operator=Operator.IN, values=values), scope)

    def value(self, scope: FilterScope) -> DimensionValue | None:
        return self.source.value(scope)
