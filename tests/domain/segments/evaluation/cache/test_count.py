"""Previews out of bitmaps say what the statement over all customers says, cold and warm."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from muster_sdk import AddressKind

from domain.extensions import NO_EXTENSIONS
from domain.kit.db import Database
from domain.segments.evaluation.cache.lru import LeafCache
from domain.segments.evaluation.preview import Previews
from domain.segments.filters import Definition
from domain.stores import queries as stores
from domain.stores.model import Store
from tests.domain.segments.compiler.test_select import EVERYONE
from tests.domain.segments.filter_strategies import definitions
from tests.domain.segments.stored_people import NOW, TIMEZONE, store_people
from tests.factories import add_store
from tests.properties import examples

CHANNELS = {"email": AddressKind.EMAIL, "sms": AddressKind.PHONE, "line": AddressKind.HANDLE}


@pytest.fixture
async def store(database: Database) -> Store:
    async with database.write() as tx:
        store_id = await add_store(tx, timezone=TIMEZONE)
        await store_people(tx, store_id, EVERYONE)
        store = await stores.by_id(tx, store_id)
    assert store is not None
    return store


# What a busy machine takes for the worst of random filters: no preview here ends because of its time.
MINUTES = 600.0


@pytest.fixture
async def warm(database: Database) -> AsyncIterator[Previews]:
    opened = Previews(database, LeafCache(10_000_000), MINUTES, extensions=NO_EXTENSIONS)
    yield opened
    await opened.close()


@pytest.mark.slow
@examples(100)
@given(definition=definitions)
async def test_any_filter_is_counted_as_by_one_statement(
    database: Database, store: Store, warm: Previews, definition: Definition
) -> None:
    expected = await Previews(database, None, MINUTES, extensions=NO_EXTENSIONS).preview(
        store, definition, CHANNELS, NOW
    )
    assert await warm.preview(store, definition, CHANNELS, NOW) == expected
    await warm.wait_for_prefetch()
    assert await warm.preview(store, definition, CHANNELS, NOW) == expected
    assert (
        await Previews(database, LeafCache(0), MINUTES, extensions=NO_EXTENSIONS).preview(
            store, definition, CHANNELS, NOW
        )
        == expected
    )
