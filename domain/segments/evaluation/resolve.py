"""Resolve a filter: its normal form with all that it refers to looked up, from which statements are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Select

from domain.customers import queries as customers
from domain.extensions import Extensions
from domain.kit.db import Transaction
from domain.kit.errors import DomainError
from domain.segments import catalogue as segment_catalogue
from domain.segments import queries, ranks
from domain.segments.catalogue import Catalogue
from domain.segments.compiler.normal_form import Leaf, Node, expanded
from domain.segments.compiler.select import ids_of
from domain.segments.evaluation.references import DirectReferences, load_references
from domain.segments.filters import Definition, MembershipCondition
from domain.segments.model import Segment, SegmentKind
from domain.segments.sql.scope import FilterScope

K = TypeVar("K")


async def catalogue(tx: Transaction, store_id: int, channels: Mapping[str, str], extensions: Extensions) -> Catalogue:
    """Return the catalogue of what the store's segments may ask; `channels`: the labels of all channels, by key."""
    return segment_catalogue.catalogue(
        await customers.definitions(tx, store_id),
        channels,
        await queries.event_types(tx, store_id),
        facets=await queries.facets(tx, store_id),
        ranks=await ranks.of(tx, store_id),
        extensions=extensions,
    )


@dataclass(frozen=True, slots=True)
class ResolvedFilter:
    """A filter in its normal form, referenced segments by their own conditions, and what compiling it takes."""

    node: Node
    catalogue: Catalogue
    scope: FilterScope

    def at(self, now: datetime) -> "ResolvedFilter":
        """Return the filter as of another moment."""
        return replace(self, scope=replace(self.scope, now=now))

    def select_ids(self) -> Select[int]:
        """Return a statement of the matching customers' ids. Raise FilterOutdated when it asks for what is gone."""
        return ids_of(self.node, self.catalogue, self.scope)


async def resolve(
    tx: Transaction, subject: Segment | Definition, scope: FilterScope, extensions: Extensions
) -> ResolvedFilter:
    """Return the resolved filter. Raise FilterOutdated when it refers to what the store no longer has."""
    resolved = (await resolve_each(tx, {0: subject}, scope, extensions))[0]
    if isinstance(resolved, DomainError):
        raise resolved
    return resolved


async def resolve_each(
    tx: Transaction,
    subjects: Mapping[K, Segment | Definition],
    scope: FilterScope,
    extensions: Extensions,
) -> dict[K, ResolvedFilter | DomainError]:
    """Return each filter resolved, or why it cannot be; references are looked up for all of them together.

    Each definition's conditions are walked once. Static segments are sets of members, and need no look-up.
    """
    definitions: dict[K, Definition] = {}
    for key, subject in subjects.items():
        if isinstance(subject, Definition):
            definitions[key] = subject
        elif subject.kind is SegmentKind.DYNAMIC:
            definitions[key] = subject.definition
    roots = {key: DirectReferences.of(definition) for key, definition in definitions.items()}
    references = await load_references(tx, scope.store_id, roots.values())
    # A segment may go on asking for a channel that was removed.
    channels = references.channels().union(*(root.channels for root in roots.values()))
    known = segment_catalogue.catalogue(
        await customers.definitions(tx, scope.store_id) if definitions else (),
        {channel: channel for channel in sorted(channels)},
        ranks=await ranks.of(tx, scope.store_id) if definitions else None,
        extensions=extensions,
    )
    resolved: dict[K, ResolvedFilter | DomainError] = {}
    for key, subject in subjects.items():
        if isinstance(subject, Segment) and key not in definitions:
            node: Node = Leaf(MembershipCondition(segment_id=subject.id))
        else:
            try:
                references.check(roots[key])
                node = expanded(definitions[key], references.segments)
            except DomainError as error:
                resolved[key] = error
                continue
        resolved[key] = ResolvedFilter(node, known, scope)
    return resolved


async def select_ids(
    tx: Transaction, subject: Segment | Definition, scope: FilterScope, extensions: Extensions
) -> Select[int]:
    """Return a statement of the ids of the customers who match now. Raise FilterOutdated as `resolve` does."""
    return (await resolve(tx, subject, scope, extensions)).select_ids()


async def select_ids_of_each(
    tx: Transaction, segments: Sequence[Segment], scope: FilterScope, extensions: Extensions
) -> list[Select[int] | DomainError]:
    """Return a statement for each segment, or what is wrong with it, by as many look-ups as for one."""
    resolved = await resolve_each(tx, dict(enumerate(segments)), scope, extensions)
    statements: list[Select[int] | DomainError] = []
    for filter_ in resolved.values():
        try:
            statements.append(filter_ if isinstance(filter_, DomainError) else filter_.select_ids())
        except DomainError as error:
            statements.append(error)
    return statements
