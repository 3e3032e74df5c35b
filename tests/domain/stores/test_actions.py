"""A store's settings change all together or not at all."""

import pytest

from domain.kit.db import Database
from domain.kit.errors import DomainErrors, NotFound
from domain.stores import actions, queries
from domain.stores.model import StoreChange
from tests.factories import NOW


async def test_a_changed_store_is_stored_and_given_as_it_was_and_is(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        other = await queries.create(tx, "Silk", "UTC", "EUR", NOW)
        before, after = await actions.update(tx, store_id, StoreChange(timezone="Asia/Taipei", property_conditions=9))
        assert (before.timezone, after.timezone) == ("UTC", "Asia/Taipei")
        assert (before.limits.property_conditions, after.limits.property_conditions) == (5, 9)
        assert await queries.by_id(tx, store_id) == after
        assert await queries.by_id(tx, other.id) == other


async def test_of_a_change_that_is_refused_nothing_is_stored(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        with pytest.raises(DomainErrors):
            await actions.update(tx, store_id, StoreChange(name="Tea", currency="euro"))
        store = await queries.by_id(tx, store_id)
    assert store is not None
    assert store.name == "Shop"


async def test_a_store_that_there_is_not_is_not_found(database: Database) -> None:
    async with database.write() as tx:
        with pytest.raises(NotFound):
            await actions.update(tx, 7, StoreChange(name="Tea"))
