"""How far a filter goes through the segments that it refers to: in no circle, and no further than can be asked."""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from domain.errors import DomainError, ErrorCode
from domain.segments.compile import LEAVES, Groups
from domain.segments.filters import Condition, Definition, Membership, conditions_of

CHAIN = 20


class RefersBack(DomainError):
    """Following the references leads to where they began."""


class TooFar(DomainError):
    """The filter is too deep, or too wide, with what it refers to."""

    code = ErrorCode.LIMIT_EXCEEDED


@dataclass(frozen=True, slots=True)
class Extent:
    """How many conditions there are, and through how many segments the furthest of them is reached."""

    conditions: int
    segments: int


@dataclass(slots=True)
class Walk:
    """Each segment is walked once, however often it is referred to, so that growing by doubling is seen at once."""

    groups: Groups
    own_id: UUID | None = None
    _known: dict[UUID, Extent] = field(default_factory=dict[UUID, Extent])

    def of(self, conditions: Collection[Condition], way: tuple[UUID, ...] = ()) -> Extent:
        """Raises `RefersBack` or `TooFar`."""
        total = furthest = 0
        for condition in conditions:
            inner = self._inner(condition, way)
            total, furthest = total + inner.conditions, max(furthest, inner.segments)
            if total > LEAVES:
                raise TooFar(f"With the segments that it refers to, the filter has more than {LEAVES:,} conditions")
        return Extent(total, furthest)

    def _inner(self, condition: Condition, way: tuple[UUID, ...]) -> Extent:
        segment_id = condition.segment_id if isinstance(condition, Membership) else None
        if segment_id is None:
            return Extent(1, 0)
        if segment_id == self.own_id or segment_id in way:
            raise RefersBack("This segment refers back to the one that asks for it")
        inner = self._known.get(segment_id) or self._walked(self.groups.get(segment_id), (*way, segment_id))
        self._known[segment_id] = inner
        if len(way) + inner.segments > CHAIN:
            raise TooFar(f"The filter goes through more than {CHAIN} segments, each of which refers to the next")
        return inner

    def _walked(self, definition: Definition | None, way: tuple[UUID, ...]) -> Extent:
        if definition is None or len(way) > CHAIN:
            return Extent(1, 1)
        within = self.of(list(conditions_of(definition)), way)
        return Extent(max(1, within.conditions), within.segments + 1)
