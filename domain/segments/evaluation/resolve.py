"""From a definition to the statement that finds its customers, with all that it refers to looked up."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from muster_sdk import AddressKind
from sqlalchemy import Select

from domain.customers import queries as customers
from domain.customers.model import PropertyDefinition
from domain.kit.db import Database, Transaction
from domain.kit.errors import DomainError
from domain.segments import catalogue as segment_catalogue
from domain.segments import queries, ranks
from domain.segments.catalogue import Catalogue, Ranks
from domain.segments.compiler.normal_form import Node, ReferencedSegments, expanded
from domain.segments.compiler.select import customer_ids, static_ids
from domain.segments.evaluation import references
from domain.segments.evaluation.deadline import Deadline, reading
from domain.segments.evaluation.reach import PreviewResult, survey
from domain.segments.evaluation.references import References
from domain.segments.filters import AttributeCondition, Definition, conditions_of
from domain.segments.model import Segment, SegmentKind
from domain.segments.sql.scope import FilterScope
from domain.stores.model import Store

PREVIEW_SECONDS = 5.0
SAMPLE = 5


async def catalogue(tx: Transaction, store_id: int, channels: Mapping[str, str]) -> Catalogue:
    """What the store's segments may ask; `channels`: the labels of all that there are, by key."""
    return segment_catalogue.catalogue(
        await customers.definitions(tx, store_id),
        channels,
        await queries.event_types(tx, store_id),
        facets=await queries.facets(tx, store_id),
        ranks=await ranks.of(tx, store_id),
    )


async def ids_of(tx: Transaction, segment: Segment, timezone: str, now: datetime) -> Select[int]:
    """A statement that finds the segment's customers as they are now."""
    [found] = await ids_of_each(tx, segment.store_id, [segment], timezone, now)
    if isinstance(found, DomainError):
        raise found
    return found


async def ids_of_each(
    tx: Transaction, store_id: int, segments: Sequence[Segment], timezone: str, now: datetime
) -> list[Select[int] | DomainError]:
    """The same for several segments, whose references are looked up together; or what is wrong with one."""
    scope = FilterScope(store_id, timezone, now, tx.dialect)
    asked = [segment.definition for segment in segments if segment.kind is SegmentKind.DYNAMIC]
    found = await look_up(tx, store_id, asked) if asked else None
    return [
        static_ids(segment.id, scope)
        if found is None or segment.kind is SegmentKind.STATIC
        else _compiled(segment.definition, found, scope)
        for segment in segments
    ]


async def found_by(tx: Transaction, store_id: int, definition: Definition, timezone: str, now: datetime) -> Select[int]:
    """A statement that finds the customers whom a definition finds now."""
    found = await look_up(tx, store_id, [definition])
    compiled = _compiled(definition, found, FilterScope(store_id, timezone, now, tx.dialect))
    if isinstance(compiled, DomainError):
        raise compiled
    return compiled


@dataclass(frozen=True, slots=True)
class Known:
    """What compiling definitions needs of the database."""

    referred: References
    properties: Sequence[PropertyDefinition]
    ranks: Ranks


async def look_up(tx: Transaction, store_id: int, definitions: Sequence[Definition]) -> Known:
    referred = await references.referred(tx, store_id, definitions)
    return Known(referred, await customers.definitions(tx, store_id), await ranks.of(tx, store_id))


def _compiled(definition: Definition, known: Known, scope: FilterScope) -> Select[int] | DomainError:
    try:
        groups, catalogue = asked_of(definition, known)
        return customer_ids(definition, catalogue, scope, groups)
    except DomainError as error:
        return error


def asked_of(definition: Definition, known: Known) -> tuple[ReferencedSegments, Catalogue]:
    """What the definition refers to, directly and not, and the catalogue of all that is asked for there."""
    groups = references.groups_of(definition, known.referred)
    asked = [definition, *(each for each in groups.values() if each is not None)]
    return groups, segment_catalogue.catalogue(known.properties, _channels(asked), ranks=known.ranks)


async def nodes_of(
    tx: Transaction, store_id: int, definitions: Mapping[UUID, Definition]
) -> tuple[dict[UUID, Node], Catalogue]:
    """Definitions in their normal form, without the outdated ones, and the catalogue for all of them."""
    known = await look_up(tx, store_id, list(definitions.values()))
    nodes: dict[UUID, Node] = {}
    for key, definition in definitions.items():
        with suppress(DomainError):
            nodes[key] = expanded(definition, references.groups_of(definition, known.referred))
    everything = [*definitions.values(), *(each for each in known.referred.groups.values() if each is not None)]
    return nodes, segment_catalogue.catalogue(known.properties, _channels(everything), ranks=known.ranks)


async def preview(
    database: Database,
    shop: Store,
    definition: Definition,
    channels: Mapping[str, AddressKind],
    now: datetime,
    *,
    seconds: float | Deadline = PREVIEW_SECONDS,
) -> PreviewResult:
    """How many the definition finds now, a few of them, and whom the channels reach: at most so long."""
    async with reading(database, seconds) as tx:
        found = await found_by(tx, shop.id, definition, shop.timezone, now)
        return await survey(tx, shop.id, found, channels, SAMPLE)


def _channels(definitions: Sequence[Definition]) -> dict[str, str]:
    """The channels that are asked about: a segment may go on asking for one that was taken away."""
    asked = [
        each.dimension for one in definitions for each in conditions_of(one) if isinstance(each, AttributeCondition)
    ]
    return {channel: channel for key in asked if (channel := segment_catalogue.channel_of(key)) is not None}
