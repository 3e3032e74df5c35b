"""Plan the tracking of a store's segments, once for as long as they stay as they are and the day lasts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.changes import ChangeKind
from domain.extensions import Extensions
from domain.kit.db import Transaction
from domain.memberships.model import fingerprint
from domain.segments import queries
from domain.segments.compiler.normal_form import leaves
from domain.segments.evaluation.leaf_analysis import changes_with_the_day, kinds_asked
from domain.segments.evaluation.match_customers import compile_filters
from domain.segments.evaluation.resolve import ResolvedFilter, resolve_each
from domain.segments.model import Segment, SegmentKind
from domain.segments.sql.scope import FilterScope
from domain.stores.model import Store


@dataclass(frozen=True, slots=True)
class TrackedFilter:
    """A tracked segment's filter. `timed`: the mere passing of time may change its members."""

    segment: Segment
    filter: ResolvedFilter
    fingerprint: str
    kinds: ChangeKind
    timed: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A store's tracked segments."""

    store: Store
    tracked: dict[UUID, TrackedFilter]

    def affected(self, kinds: ChangeKind) -> dict[UUID, TrackedFilter]:
        """Return the segments whose members change with these kinds of data."""
        return {key: tracked for key, tracked in self.tracked.items() if tracked.kinds & kinds}


async def plan(tx: Transaction, store: Store, now: datetime, extensions: Extensions) -> Plan:
    """Return the active dynamic segments, but for those that ask for what the store no longer has."""
    scope = FilterScope(store.id, store.timezone, now, tx.dialect)
    active = await queries.active(tx, store.id)
    segments = {segment.id: segment for segment in active if segment.kind is SegmentKind.DYNAMIC}
    resolved = await resolve_each(tx, segments, scope, extensions)
    filters = {key: filter_ for key, filter_ in resolved.items() if isinstance(filter_, ResolvedFilter)}
    tracked: dict[UUID, TrackedFilter] = {}
    for key in compile_filters(filters).nodes:
        filter_ = filters[key]
        kinds, timed = ChangeKind.EXISTENCE, False
        for leaf in {leaf.key: leaf for leaf in leaves(filter_.node)}.values():
            kinds |= kinds_asked(leaf, filter_.catalogue, filter_.scope)
            timed = timed or changes_with_the_day(leaf, filter_.catalogue, filter_.scope)
        tracked[key] = TrackedFilter(segments[key], filter_, fingerprint(filter_.node, store.timezone), kinds, timed)
    return Plan(store, tracked)
