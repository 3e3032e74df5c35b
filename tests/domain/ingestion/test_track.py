import pytest
from sqlalchemy import func, select

from domain.customers import queries as customers
from domain.customers.key import CustomerKey
from domain.events.tables import events
from domain.ingestion import track
from domain.ingestion.model import TrackedEvent
from domain.kit.db import Database
from domain.kit.errors import DomainErrors, ErrorCode
from domain.orders.tables import order_items, orders
from tests.factories import NOW

WHO = CustomerKey(external_id="c1")


async def test_an_order_keeps_its_items_and_makes_its_customer(database: Database, store_id: int) -> None:
    items = [{"product": "p1", "category": "Bags", "quantity": 2, "price": "3.50"}, {"name": "Tie", "price": 5}]
    async with database.write() as tx:
        done = await track.track(tx, store_id, [TrackedEvent("o1", "order", WHO, NOW, {"items": items})], NOW)
        made = await customers.by_external_id(tx, store_id, "c1")
        assert await tx.scalar(select(orders.c.total)) == 12
        assert await tx.scalar(select(func.count()).select_from(order_items)) == 2
    assert (done.accepted, done.duplicates) == (1, 0)
    assert made is not None
    assert made.source == "event"


async def test_what_came_before_is_left_alone(database: Database, store_id: int) -> None:
    first = TrackedEvent("e1", "visit", WHO, NOW, {"page": "/a"})
    again = TrackedEvent("e1", "visit", WHO, NOW, {"page": "/b"})
    async with database.write() as tx:
        await track.track(tx, store_id, [first, again], NOW)
    async with database.write() as tx:
        done = await track.track(tx, store_id, [again], NOW)
        assert (done.accepted, done.duplicates) == (0, 1)
        assert await tx.scalar(select(events.c.attributes)) == {"page": "/a"}


async def test_every_wrong_event_is_told_and_none_comes_in(database: Database, store_id: int) -> None:
    given = [
        TrackedEvent("e1", "visit", WHO, NOW),
        TrackedEvent(" ", "visit", WHO, NOW),
        TrackedEvent("e3", "Visit!", WHO, NOW),
        TrackedEvent("o4", "order", WHO, NOW, {"items": [{"price": "much"}]}),
        TrackedEvent("o5", "order", WHO, NOW, {"total": float("nan")}),
    ]
    with pytest.raises(DomainErrors) as said:
        async with database.write() as tx:
            await track.track(tx, store_id, given, NOW)
    assert [error.field for error in said.value.errors] == [
        ("events", 1, "id"),
        ("events", 2, "type"),
        ("events", 3, "attributes", "items", 0, "price"),
        ("events", 4, "attributes", "total"),
    ]
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(events)) == 0


async def test_an_unknown_id_is_not_found(database: Database, store_id: int) -> None:
    with pytest.raises(DomainErrors) as said:
        async with database.write() as tx:
            await track.track(tx, store_id, [TrackedEvent("e1", "visit", CustomerKey(id=7), NOW)], NOW)
    (error,) = said.value.errors
    assert (error.code, error.field) == (ErrorCode.NOT_FOUND, ("events", 0, "customer", "id"))


@pytest.mark.parametrize("amount", [[], [1], {}, {"a": 1}])
async def test_a_required_attribute_that_is_a_list_or_an_object_is_refused(
    database: Database, store_id: int, amount: object
) -> None:
    with pytest.raises(DomainErrors) as raised:
        async with database.write() as tx:
            await track.track(tx, store_id, [TrackedEvent("e1", "points.changed", WHO, NOW, {"amount": amount})], NOW)
    assert [error.field for error in raised.value.errors] == [("events", 0, "attributes", "amount")]
