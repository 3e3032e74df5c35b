"""From a definition to the statement that finds its customers, with all that it refers to looked up."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from muster_sdk import AddressKind
from sqlalchemy import Select

from domain.customers import store as customers
from domain.db import Database, Transaction
from domain.segments import catalogue as catalogues
from domain.segments import references, store
from domain.segments.catalogue import Catalogue
from domain.segments.compile import customer_ids, static_ids
from domain.segments.conditions.scope import Scope
from domain.segments.deadline import reading
from domain.segments.filters import Attribute, Definition, conditions_of
from domain.segments.model import Segment, SegmentKind
from domain.segments.reach import Found, survey
from domain.stores.model import Store

PREVIEW_SECONDS = 5.0
SAMPLE = 5


async def catalogue(tx: Transaction, store_id: int, channels: Mapping[str, str]) -> Catalogue:
    """What the store's segments may ask; `channels`: the labels of all that there are, by key."""
    properties = await customers.definitions(tx, store_id)
    return catalogues.catalogue(properties, channels, await store.event_types(tx, store_id))


async def ids_of(tx: Transaction, segment: Segment, timezone: str, now: datetime) -> Select[int]:
    """A statement that finds the segment's customers as they are now."""
    if segment.kind is SegmentKind.STATIC:
        return static_ids(segment.id, Scope(segment.store_id, timezone, now, tx.dialect))
    return await found_by(tx, segment.store_id, segment.definition, timezone, now)


async def found_by(tx: Transaction, store_id: int, definition: Definition, timezone: str, now: datetime) -> Select[int]:
    """A statement that finds the customers whom a definition finds now."""
    groups = await references.groups_of(tx, store_id, definition)
    asked = [definition, *(each for each in groups.values() if each is not None)]
    known = catalogues.catalogue(await customers.definitions(tx, store_id), _channels(asked))
    return customer_ids(definition, known, Scope(store_id, timezone, now, tx.dialect), groups)


async def preview(
    database: Database,
    shop: Store,
    definition: Definition,
    channels: Mapping[str, AddressKind],
    now: datetime,
    *,
    seconds: float = PREVIEW_SECONDS,
) -> Found:
    """How many the definition finds now, a few of them, and whom the channels reach: at most so long."""
    async with reading(database, seconds) as tx:
        found = await found_by(tx, shop.id, definition, shop.timezone, now)
        return await survey(tx, shop.id, found, channels, SAMPLE)


def _channels(definitions: Sequence[Definition]) -> dict[str, str]:
    """The channels whose consents are asked for: a segment may go on asking for one that was taken away."""
    asked = [each.dimension for one in definitions for each in conditions_of(one) if isinstance(each, Attribute)]
    keys = [key.removeprefix("consent.") for key in asked if key.startswith("consent.")]
    return dict(zip(keys, keys, strict=True))
