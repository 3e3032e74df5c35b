"""The state of a store's channel: kept by store, channel and key."""

import pytest

from domain.channels import states
from domain.kit.db import Database
from domain.sessions.host import CallState
from tests.factories import add_store


async def test_what_is_put_is_there_and_none_deletes_it(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await states.store(tx, store_id, "pigeon", {"cursor": "a", "quota": {"used": 3}})
        await states.store(tx, store_id, "pigeon", {"cursor": None, "quota": {"used": 4}, "never": None})
    async with database.read() as tx:
        assert await states.load(tx, store_id, "pigeon") == {"quota": {"used": 4}}


async def test_a_state_is_of_one_store_and_one_channel(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        other = await add_store(tx)
        await states.store(tx, store_id, "pigeon", {"cursor": 1})
        await states.store(tx, store_id, "smoke", {"cursor": 2})
        await states.store(tx, other, "pigeon", {"cursor": 3})
        await states.store(tx, store_id, "smoke", {"cursor": None})
        assert await states.load(tx, store_id, "pigeon") == {"cursor": 1}
        assert await states.load(tx, store_id, "smoke") == {}
        assert await states.load(tx, other, "pigeon") == {"cursor": 3}


async def test_every_value_that_a_state_takes_is_kept(database: Database, store_id: int) -> None:
    kept = {"false": False, "zero": 0, "none": [None], "words": "日本 'x' \\ \"y\"", "deep": {"a": [{"b": 1.5}]}}
    state = CallState({})
    for key, value in kept.items():
        state.put(key, value)
    async with database.write() as tx:
        await states.store(tx, store_id, "pigeon", state.take())
        assert await states.load(tx, store_id, "pigeon") == kept


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("a", object(), "a"),
        ("a", "x" * 70_000, "65,536"),
        ("k" * 201, 1, "200"),
        ("a", "\0", "U\\+0000"),
        ("a", float, "a"),
    ],
)
def test_what_could_not_be_stored_is_refused_at_once(key: str, value: object, reason: str) -> None:
    state = CallState({"before": 1})
    with pytest.raises(ValueError, match=reason):
        state.put(key, value)
    assert state.take() == {}


def test_a_value_that_is_changed_behind_its_put_stays_as_it_was() -> None:
    state, value = CallState({}), {"used": 1}
    state.put("quota", value)
    value["used"] = 2
    assert state.get("quota") == {"used": 1}
    assert state.take() == {"quota": {"used": 1}}
    assert state.get("quota") == {"used": 1}
    assert state.take() == {}
