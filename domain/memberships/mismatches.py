"""Compares the stored members of segments with those that their filters find, for `muster doctor` and for tests."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect

from domain import changes
from domain.extensions import Extensions
from domain.kit.db import Transaction
from domain.memberships import queries
from domain.memberships.plan import TrackedFilter, plan
from domain.segments.compiler.normal_form import leaves
from domain.segments.evaluation.leaf_analysis import leaf_traits
from domain.stores.model import Store


@dataclass(frozen=True, slots=True)
class MemberComparison:
    """A segment, and the statement of the customers who are members of it or match it, but not both."""

    segment_id: UUID
    mismatched: CompoundSelect[Any]


async def comparisons(tx: Transaction, store: Store, now: datetime, extensions: Extensions) -> list[MemberComparison]:
    """Return a comparison for each segment whose members are up to date: tracking has nothing left to do for it."""
    if await changes.due_marks(tx, store.id, now, 1):
        return []
    planned = await plan(tx, store, now, extensions)
    tracked = await queries.tracked(tx, store.id)
    return [
        MemberComparison(segment_id, queries.mismatched(store.id, segment_id, planned_filter.filter.select_ids()))
        for segment_id, planned_filter in planned.tracked.items()
        if segment_id in tracked and _is_current(planned_filter, tracked[segment_id], now)
    ]


def _is_current(planned: TrackedFilter, tracked: queries.TrackedSegment, now: datetime) -> bool:
    is_due = tracked.next_eval_at is not None and tracked.next_eval_at <= now
    if is_due or tracked.fingerprint != planned.fingerprint:
        return False
    # Members by the hour are found anew with the day, or with what changes: in between they are of an earlier hour.
    resolved = planned.filter
    return not any(leaf_traits(leaf, resolved.catalogue, resolved.scope).by_the_hour for leaf in leaves(resolved.node))
