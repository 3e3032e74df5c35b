"""Look up the segments and lists that filters refer to: they must exist, and never lead back to the filter itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from uuid import UUID

from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode, ErrorCollector
from domain.segments import queries
from domain.segments.catalogue import channel_of
from domain.segments.compiler.normal_form import LEAVES, FilterOutdated, ReferencedSegments
from domain.segments.filters import AttributeCondition, Definition, MembershipCondition, conditions_of, memberships

CHAIN = 20


class CircularReference(DomainError):
    """Following the references leads to where they began."""


class ReferencesTooDeep(DomainError):
    """The filter is too deep, or too wide, with what it refers to."""

    code = ErrorCode.LIMIT_EXCEEDED


@dataclass(frozen=True, slots=True)
class DirectReferences:
    """The segments, lists and channels that one definition names itself, gathered by one walk over its conditions.

    A segment or list is there as often as a condition names it; `conditions` counts all others.
    """

    conditions: int = 0
    segment_ids: tuple[UUID, ...] = ()
    list_ids: tuple[UUID, ...] = ()
    channels: frozenset[str] = frozenset()

    @classmethod
    def of(cls, definition: Definition) -> "DirectReferences":
        conditions = 0
        segment_ids: list[UUID] = []
        list_ids: list[UUID] = []
        channels: set[str] = set()
        for condition in conditions_of(definition):
            match condition:
                case MembershipCondition(segment_id=UUID() as segment_id):
                    segment_ids.append(segment_id)
                case MembershipCondition(list_id=UUID() as list_id):
                    list_ids.append(list_id)
                case AttributeCondition(dimension) if (channel := channel_of(dimension)) is not None:
                    channels.add(channel)
                    conditions += 1
                case _:
                    conditions += 1
        return cls(conditions, tuple(segment_ids), tuple(list_ids), frozenset(channels))


@dataclass(frozen=True, slots=True)
class References:
    """All that definitions refer to, directly and through other segments; `missing` are segments and lists deleted."""

    segments: ReferencedSegments
    direct: Mapping[UUID, DirectReferences]
    missing: frozenset[UUID]

    def channels(self) -> frozenset[str]:
        """Return the channels that the referenced segments name."""
        return frozenset(chain.from_iterable(direct.channels for direct in self.direct.values()))

    def check(self, root: DirectReferences) -> None:
        """Raise FilterOutdated when a filter refers to itself or to what was deleted, or ReferencesTooDeep."""
        if self.missing and not self.missing.isdisjoint(self._reachable(root)):
            raise FilterOutdated("The filter refers to a segment or a list that no longer exists")
        try:
            ReferenceWalker(self.direct).extent(root)
        except CircularReference as error:
            raise FilterOutdated("The filter refers to a segment that refers back to it") from error

    def _reachable(self, root: DirectReferences) -> set[UUID]:
        segment_ids, list_ids = set(root.segment_ids), set(root.list_ids)
        pending = list(segment_ids)
        while pending:
            direct = self.direct.get(pending.pop())
            if direct is not None:
                pending += set(direct.segment_ids) - segment_ids
                segment_ids.update(direct.segment_ids)
                list_ids.update(direct.list_ids)
        return segment_ids | list_ids


async def load_references(tx: Transaction, store_id: int, roots: Iterable[DirectReferences]) -> References:
    """Return everything that the filters refer to, by a statement for each step of the way."""
    segments: dict[UUID, Definition | None] = {}
    direct: dict[UUID, DirectReferences] = {}
    missing: set[UUID] = set()
    roots = list(roots)
    segment_ids = {segment_id for root in roots for segment_id in root.segment_ids}
    list_ids = {list_id for root in roots for list_id in root.list_ids}
    while unknown := segment_ids - segments.keys() - missing:
        definitions = await queries.definitions(tx, store_id, unknown)
        segments.update(definitions)
        missing |= unknown - definitions.keys()
        for segment_id, definition in definitions.items():
            if definition is not None:
                direct[segment_id] = DirectReferences.of(definition)
                segment_ids.update(direct[segment_id].segment_ids)
                list_ids.update(direct[segment_id].list_ids)
    if list_ids:
        missing |= list_ids - await queries.known_lists(tx, store_id, list_ids)
    return References(segments, direct, frozenset(missing))


async def faults(tx: Transaction, store_id: int, definition: Definition, own_id: UUID | None) -> list[DomainError]:
    """Return the errors of a definition's references, each with its path; `own_id` is of the segment that it is for."""
    root = DirectReferences.of(definition)
    references = await load_references(tx, store_id, [root])
    walker = ReferenceWalker(references.direct, own_id)
    checked = replace(root, segment_ids=(), list_ids=())
    errors = ErrorCollector()
    for tree, name in ((definition.include, "include"), (definition.exclude, "exclude")):
        for path, membership in memberships(tree, (name,)) if tree is not None else ():
            with errors.under(*path):
                if (membership.segment_id or membership.list_id) in references.missing:
                    kind = "segment" if membership.segment_id else "list"
                    raise DomainError(f"There is no such {kind}", code=ErrorCode.NOT_FOUND)
                widened = replace(
                    checked,
                    segment_ids=(*checked.segment_ids, *filter(None, [membership.segment_id])),
                    list_ids=(*checked.list_ids, *filter(None, [membership.list_id])),
                )
                walker.extent(widened)
                checked = widened
    return errors.errors


@dataclass(frozen=True, slots=True)
class Extent:
    """How many conditions there are, and through how many segments the furthest of them is reached."""

    conditions: int
    segments: int


@dataclass(slots=True)
class ReferenceWalker:
    """Each segment is walked once, however often it is referred to, so that growing by doubling is seen at once."""

    direct: Mapping[UUID, DirectReferences]
    own_id: UUID | None = None
    _extents: dict[UUID, Extent] = field(default_factory=dict[UUID, Extent])

    def extent(self, references: DirectReferences, path: tuple[UUID, ...] = ()) -> Extent:
        """Return how far the references reach. Raise CircularReference or ReferencesTooDeep."""
        plain = Extent(references.conditions + len(references.list_ids), 0)
        total = furthest = 0
        for inner in chain([plain], (self._segment(segment_id, path) for segment_id in references.segment_ids)):
            total, furthest = total + inner.conditions, max(furthest, inner.segments)
            if total > LEAVES:
                raise ReferencesTooDeep(
                    f"With the segments that it refers to, the filter has more than {LEAVES:,} conditions"
                )
        return Extent(total, furthest)

    def _segment(self, segment_id: UUID, path: tuple[UUID, ...]) -> Extent:
        if segment_id == self.own_id or segment_id in path:
            raise CircularReference("This segment refers back to the one that asks for it")
        extent = self._extents.get(segment_id)
        if extent is None:
            direct, further = self.direct.get(segment_id), (*path, segment_id)
            if direct is None or len(further) > CHAIN:
                extent = Extent(1, 1)
            else:
                within = self.extent(direct, further)
                extent = Extent(max(1, within.conditions), within.segments + 1)
            self._extents[segment_id] = extent
        if len(path) + extent.segments > CHAIN:
            raise ReferencesTooDeep(
                f"The filter goes through more than {CHAIN} segments, each of which refers to the next"
            )
        return extent
