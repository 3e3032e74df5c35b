"""A transaction that lost a race is run again, and nothing of what it did before is stored."""

import asyncio

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from api.transactions import write
from domain.customers.tables import property_definitions
from domain.kit.db import Database, Transaction
from domain.kit.db.faults import is_conflict
from domain.stores.tables import stores
from tests.factories import NOW, add_store


def definition(store_id: int, number: int, key: str | None) -> dict[str, object]:
    return {"store_id": store_id, "id": number, "key": key, "label": "L", "type": "STRING", "created_at": NOW}


async def keys_of(database: Database) -> list[str]:
    async with database.read() as tx:
        keys = await tx.execute(select(property_definitions.c.key).order_by(property_definitions.c.id))
        return list(keys.scalars())


class Race:
    """Work that takes a key which another transaction has, as often as it is told to, and a free one then."""

    def __init__(self, store_id: int, losses: int, taken: str | None = "taken") -> None:
        self.store_id = store_id
        self.losses = losses
        self.taken = taken
        self.attempts = 0

    async def __call__(self, tx: Transaction) -> int:
        self.attempts += 1
        first = definition(self.store_id, 10 + self.attempts, f"first of {self.attempts}")
        await tx.execute(insert(property_definitions).values(first))
        key = self.taken if self.attempts <= self.losses else "free"
        await tx.execute(insert(property_definitions).values(definition(self.store_id, 20, key)))
        return self.attempts


async def test_a_lost_race_is_run_again(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await tx.execute(insert(property_definitions).values(definition(store_id, 1, "taken")))
    assert await write(database, Race(store_id, losses=2)) == 3
    assert await keys_of(database) == ["taken", "first of 3", "free"]


async def test_the_third_loss_is_raised(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await tx.execute(insert(property_definitions).values(definition(store_id, 1, "taken")))
    race = Race(store_id, losses=3)
    with pytest.raises(IntegrityError) as raised:
        await write(database, race)
    assert is_conflict(raised.value)
    assert race.attempts == 3
    assert await keys_of(database) == ["taken"]


async def test_a_bug_is_not_run_again(database: Database, store_id: int) -> None:
    race = Race(store_id, losses=3, taken=None)
    with pytest.raises(IntegrityError) as raised:
        await write(database, race)
    assert not is_conflict(raised.value)
    assert race.attempts == 1
    assert await keys_of(database) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_deadlock_is_run_again(database: Database) -> None:
    """Two transactions lock two stores in different orders: PostgreSQL ends the one that looks for the circle first."""
    async with database.write() as tx:
        left, right = [await add_store(tx), await add_store(tx)]
    attempts: list[str] = []
    both_hold_one = asyncio.Barrier(2)

    async def rename(name: str, first: int, second: int, tx: Transaction) -> None:
        attempts.append(name)
        await tx.execute(stores.update().where(stores.c.id == first).values(name=name))
        if attempts.count(name) == 1:
            await both_hold_one.wait()
        await tx.execute(stores.update().where(stores.c.id == second).values(currency=name[:3]))

    async def forwards(tx: Transaction) -> None:
        await rename("ABC", left, right, tx)

    async def backwards(tx: Transaction) -> None:
        await rename("XYZ", right, left, tx)

    await asyncio.gather(write(database, forwards), write(database, backwards))
    assert len(attempts) == 3
    async with database.read() as tx:
        rows = await tx.execute(select(stores.c.name, stores.c.currency).where(stores.c.id.in_([left, right])))
        assert {tuple(row) for row in rows} == {("ABC", "XYZ"), ("XYZ", "ABC")}
