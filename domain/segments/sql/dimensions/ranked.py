"""Values that a store has put in an order, and figures that have a name for a range."""

from dataclasses import dataclass, replace

from domain.kit.errors import DomainError
from domain.segments.filters import ORDERED, AttributeCondition, Operator, Value
from domain.segments.sql.dimensions.customer import DimensionSource
from domain.segments.sql.predicates import NEVER, Predicate
from domain.segments.sql.scope import FilterScope


@dataclass(frozen=True, slots=True)
class RankedSource:
    """Text that is also compared by rank: "at least Silver" is one of Silver and Gold."""

    source: DimensionSource
    key: str
    ranks: tuple[str, ...]

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate:
        if condition.operator not in ORDERED:
            return self.source.predicate(condition, scope)
        allowed = self._allowed(condition)
        return (
            self.source.predicate(replace(condition, operator=Operator.IN, values=allowed), scope) if allowed else NEVER
        )

    def _allowed(self, condition: AttributeCondition) -> tuple[str, ...]:
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
