"""The segments and lists that a filter refers to: whether they exist, and never come round to the filter itself."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode, ErrorCollector
from domain.segments import queries
from domain.segments.compiler.normal_form import LEAVES, FilterOutdated, ReferencedSegments
from domain.segments.filters import Condition, Definition, MembershipCondition, conditions_of, memberships


@dataclass(frozen=True, slots=True)
class References:
    """What a definition refers to; `missing` are segments and lists that are gone."""

    groups: ReferencedSegments
    missing: frozenset[UUID]


async def referred(tx: Transaction, store_id: int, definitions: Iterable[Definition]) -> References:
    """Everything that the definitions refer to, directly and through other segments."""
    groups: dict[UUID, Definition | None] = {}
    segment_ids, list_ids = _asked(definitions)
    missing: set[UUID] = set()
    while wanted := segment_ids - groups.keys() - missing:
        found = await queries.definitions(tx, store_id, wanted)
        groups.update(found)
        missing |= wanted - found.keys()
        more = _asked(each for each in found.values() if each is not None)
        segment_ids |= more[0]
        list_ids |= more[1]
    if list_ids:
        missing |= list_ids - await queries.known_lists(tx, store_id, list_ids)
    return References(groups, frozenset(missing))


def groups_of(definition: Definition, found: References) -> ReferencedSegments:
    """As `compile` takes them; refused when something that the filter asks for is gone."""
    if found.missing and not found.missing.isdisjoint(_reached(definition, found.groups)):
        raise FilterOutdated("The filter refers to a segment or a list that no longer exists")
    try:
        ReferenceWalker(found.groups).of(list(conditions_of(definition)))
    except CircularReference as error:
        raise FilterOutdated("The filter refers to a segment that refers back to it") from error
    return found.groups


async def faults(tx: Transaction, store_id: int, definition: Definition, own_id: UUID | None) -> list[DomainError]:
    """What is wrong with the references, each with its path."""
    found = await referred(tx, store_id, [definition])
    walk = ReferenceWalker(found.groups, own_id)
    asked: list[Condition] = [each for each in conditions_of(definition) if not isinstance(each, MembershipCondition)]
    errors = ErrorCollector()
    for tree, path in ((definition.include, "include"), (definition.exclude, "exclude")):
        for at, membership in memberships(tree, (path,)) if tree is not None else ():
            with errors.under(*at):
                _known(membership, found)
                walk.of([*asked, membership])
                asked.append(membership)
    return errors.errors


def _known(membership: MembershipCondition, found: References) -> None:
    wanted = membership.segment_id or membership.list_id
    if wanted in found.missing:
        said = "segment" if membership.segment_id else "list"
        raise DomainError(f"There is no such {said}", code=ErrorCode.NOT_FOUND)


def _reached(definition: Definition, groups: ReferencedSegments) -> set[UUID]:
    """The segments and lists that a definition refers to, directly and through other segments."""
    segment_ids, list_ids = _asked([definition])
    pending = list(segment_ids)
    while pending:
        inner = groups.get(pending.pop())
        if inner is not None:
            more = _asked([inner])
            pending += more[0] - segment_ids
            segment_ids |= more[0]
            list_ids |= more[1]
    return segment_ids | list_ids


def _asked(definitions: Iterable[Definition]) -> tuple[set[UUID], set[UUID]]:
    asked = [each for one in definitions for each in conditions_of(one) if isinstance(each, MembershipCondition)]
    return {each.segment_id for each in asked if each.segment_id}, {each.list_id for each in asked if each.list_id}


CHAIN = 20


class CircularReference(DomainError):
    """Following the references leads to where they began."""


class ReferencesTooDeep(DomainError):
    """The filter is too deep, or too wide, with what it refers to."""

    code = ErrorCode.LIMIT_EXCEEDED


@dataclass(frozen=True, slots=True)
class Extent:
    """How many conditions there are, and through how many segments the furthest of them is reached."""

    conditions: int
    segments: int


@dataclass(slots=True)
class ReferenceWalker:
    """Each segment is walked once, however often it is referred to, so that growing by doubling is seen at once."""

    groups: ReferencedSegments
    own_id: UUID | None = None
    _known: dict[UUID, Extent] = field(default_factory=dict[UUID, Extent])

    def of(self, conditions: Collection[Condition], way: tuple[UUID, ...] = ()) -> Extent:
        """Raises `RefersBack` or `TooFar`."""
        total = furthest = 0
        for condition in conditions:
            inner = self._inner(condition, way)
            total, furthest = total + inner.conditions, max(furthest, inner.segments)
            if total > LEAVES:
                raise ReferencesTooDeep(
                    f"With the segments that it refers to, the filter has more than {LEAVES:,} conditions"
                )
        return Extent(total, furthest)

    def _inner(self, condition: Condition, way: tuple[UUID, ...]) -> Extent:
        segment_id = condition.segment_id if isinstance(condition, MembershipCondition) else None
        if segment_id is None:
            return Extent(1, 0)
        if segment_id == self.own_id or segment_id in way:
            raise CircularReference("This segment refers back to the one that asks for it")
        inner = self._known.get(segment_id) or self._walked(self.groups.get(segment_id), (*way, segment_id))
        self._known[segment_id] = inner
        if len(way) + inner.segments > CHAIN:
            raise ReferencesTooDeep(
                f"The filter goes through more than {CHAIN} segments, each of which refers to the next"
            )
        return inner

    def _walked(self, definition: Definition | None, way: tuple[UUID, ...]) -> Extent:
        if definition is None or len(way) > CHAIN:
            return Extent(1, 1)
        within = self.of(list(conditions_of(definition)), way)
        return Extent(max(1, within.conditions), within.segments + 1)
