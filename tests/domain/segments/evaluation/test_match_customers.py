"""Asked of a few customers alone, filters find whom they find among all."""

from itertools import count
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from domain.extensions import NO_EXTENSIONS
from domain.kit.db import Database
from domain.segments.codec import to_stored
from domain.segments.evaluation.deadline import reading
from domain.segments.evaluation.resolve import select_ids
from domain.segments.evaluation.segments_of import segments_of
from domain.segments.filters import Definition
from domain.segments.sql.scope import FilterScope
from domain.segments.tables import segments
from domain.stores.model import Store
from tests.domain.segments.compiler.test_select import EVERYONE
from tests.domain.segments.evaluation.cache.test_count import store
from tests.domain.segments.filter_strategies import definitions
from tests.domain.segments.stored_people import NOW
from tests.properties import examples

__all__ = ["store"]
NUMBERS = count(100)
IDS = [person.id for person in EVERYONE]


async def add(database: Database, store_id: int, definitions: list[Definition]) -> list[UUID]:
    shared = {"store_id": store_id, "kind": "DYNAMIC", "update_mode": "MANUAL", "started_on": NOW.date()}
    shared |= {"active": True, "created_at": NOW, "updated_at": NOW}
    segment_ids = [UUID(int=next(NUMBERS)) for _ in definitions]
    async with database.write() as tx:
        for segment_id, definition in zip(segment_ids, definitions, strict=True):
            trees = {"include": to_stored(definition.include), "exclude": to_stored(definition.exclude)}
            named = {"id": segment_id, "name": str(segment_id), "list_name": "L"}
            await tx.execute(insert(segments).values(**shared, **named, **trees))
    return segment_ids


@examples(15, shrink=False)
@given(
    asked=st.lists(definitions, min_size=1, max_size=8),
    ids=st.lists(st.sampled_from(IDS), min_size=1, max_size=30, unique=True),
)
async def test_customers_are_in_the_segments_that_find_them(
    database: Database, store: Store, asked: list[Definition], ids: list[int]
) -> None:
    added = await add(database, store.id, asked)
    async with reading(database, 60, snapshot=True) as tx:
        scope = FilterScope(store.id, store.timezone, NOW, tx.dialect)
        segments_by_customer = await segments_of(tx, store, ids, NOW, NO_EXTENSIONS)
        for segment_id, definition in zip(added, asked, strict=True):
            everyone = set((await tx.execute(await select_ids(tx, definition, scope, NO_EXTENSIONS))).scalars())
            members = {
                customer for customer in ids if segment_id in {segment.id for segment in segments_by_customer[customer]}
            }
            assert members == everyone & set(ids)
