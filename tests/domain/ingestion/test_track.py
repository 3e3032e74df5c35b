from datetime import timedelta

import pytest
from sqlalchemy import func, select

from domain.customers import queries as customers
from domain.customers.key import CustomerKey
from domain.events.tables import events as event_rows
from domain.ingestion import track
from domain.ingestion.model import TrackedEvent
from domain.kit.db import Database
from domain.kit.errors import DomainErrors, ErrorCode
from domain.orders.tables import order_items, orders
from tests.factories import NOW

CUSTOMER = CustomerKey(external_id="c1")


async def test_an_order_keeps_its_items_and_makes_its_customer(database: Database, store_id: int) -> None:
    items = [{"product": "p1", "category": "Bags", "quantity": 2, "price": "3.50"}, {"name": "Tie", "price": 5}]
    async with database.write() as tx:
        done = await track.track(tx, store_id, [TrackedEvent("o1", "order", CUSTOMER, NOW, {"items": items})], NOW)
        customer = await customers.by_external_id(tx, store_id, "c1")
        assert await tx.scalar(select(orders.c.total)) == 12
        assert await tx.scalar(select(func.count()).select_from(order_items)) == 2
    assert (done.accepted, done.duplicates) == (1, 0)
    assert customer is not None
    assert customer.source == "event"


async def test_what_came_before_is_left_alone(database: Database, store_id: int) -> None:
    first = TrackedEvent("e1", "visit", CUSTOMER, NOW, {"page": "/a"})
    repeated = TrackedEvent("e1", "visit", CUSTOMER, NOW, {"page": "/b"})
    async with database.write() as tx:
        await track.track(tx, store_id, [first, repeated], NOW)
    async with database.write() as tx:
        done = await track.track(tx, store_id, [repeated], NOW)
        assert (done.accepted, done.duplicates) == (0, 1)
        assert await tx.scalar(select(event_rows.c.attributes)) == {"page": "/a"}


async def test_an_id_that_the_store_has_is_a_repeat_whoever_and_whenever_it_is_of(
    database: Database, store_id: int
) -> None:
    other = CustomerKey(external_id="c2")
    later = NOW + timedelta(days=1)
    async with database.write() as tx:
        for customer, at in ((CUSTOMER, NOW), (other, NOW), (CUSTOMER, later), (other, later)):
            events = [
                TrackedEvent("e1", "visit", customer, at, {"page": "/"}),
                TrackedEvent("e1", "order", customer, at),
            ]
            done = await track.track(tx, store_id, events, NOW)
            assert (done.accepted, done.duplicates) == ((2, 0) if (customer, at) == (CUSTOMER, NOW) else (0, 2))
        first = await customers.by_external_id(tx, store_id, "c1")
        assert first is not None
        assert (await tx.execute(select(event_rows.c.customer_id, event_rows.c.occurred_at))).all() == [(first.id, NOW)]
        assert (await tx.execute(select(orders.c.customer_id, orders.c.placed_at))).all() == [(first.id, NOW)]


async def test_every_wrong_event_is_named_and_none_is_stored(database: Database, store_id: int) -> None:
    events = [
        TrackedEvent("e1", "visit", CUSTOMER, NOW),
        TrackedEvent(" ", "visit", CUSTOMER, NOW),
        TrackedEvent("e3", "Visit!", CUSTOMER, NOW),
        TrackedEvent("o4", "order", CUSTOMER, NOW, {"items": [{"price": "much"}]}),
        TrackedEvent("o5", "order", CUSTOMER, NOW, {"total": float("nan")}),
    ]
    with pytest.raises(DomainErrors) as raised:
        async with database.write() as tx:
            await track.track(tx, store_id, events, NOW)
    assert [error.field for error in raised.value.errors] == [
        ("events", 1, "id"),
        ("events", 2, "type"),
        ("events", 3, "attributes", "items", 0, "price"),
        ("events", 4, "attributes", "total"),
    ]
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(event_rows)) == 0


async def test_an_unknown_id_is_not_found(database: Database, store_id: int) -> None:
    with pytest.raises(DomainErrors) as raised:
        async with database.write() as tx:
            await track.track(tx, store_id, [TrackedEvent("e1", "visit", CustomerKey(id=7), NOW)], NOW)
    (error,) = raised.value.errors
    assert (error.code, error.field) == (ErrorCode.NOT_FOUND, ("events", 0, "customer", "id"))


@pytest.mark.parametrize(
    ("kind", "attributes", "path"),
    [
        # A letter that is two in lower case.
        ("order", {"status": "\u0130" * 32}, "status"),
        ("order", {"payment_status": "\u0130" * 32}, "payment_status"),
        ("order.updated", {"order": "o1", "status": "x" * 33}, "status"),
        ("order.updated", {"order": "o1", "delivery_status": "\u0130" * 17}, "delivery_status"),
    ],
)
async def test_a_status_that_no_column_holds_is_refused_by_name(
    database: Database, store_id: int, kind: str, attributes: dict[str, object], path: str
) -> None:
    with pytest.raises(DomainErrors) as raised:
        async with database.write() as tx:
            await track.track(tx, store_id, [TrackedEvent("e1", kind, CUSTOMER, NOW, attributes)], NOW)
    assert [error.field for error in raised.value.errors] == [("events", 0, "attributes", path)]


async def test_items_that_come_to_more_than_an_order_may_are_refused_by_name(database: Database, store_id: int) -> None:
    items = [{"price": "1e12", "quantity": "1e12"}]
    events = [
        TrackedEvent("o1", "order", CUSTOMER, NOW, {"items": items}),
        TrackedEvent("o2", "order", CUSTOMER, NOW, {"items": items, "total": 5}),
        TrackedEvent("o3", "order", CUSTOMER, NOW, {"items": [{"price": "1e12"}] * 2}),
    ]
    with pytest.raises(DomainErrors) as raised:
        async with database.write() as tx:
            await track.track(tx, store_id, events, NOW)
    assert [error.field for error in raised.value.errors] == [
        ("events", 0, "attributes", "items"),
        ("events", 2, "attributes", "items"),
    ]
    async with database.write() as tx:
        assert (await track.track(tx, store_id, events[1:2], NOW)).accepted == 1


@pytest.mark.parametrize("amount", [[], [1], {}, {"a": 1}])
async def test_a_required_attribute_that_is_a_list_or_an_object_is_refused(
    database: Database, store_id: int, amount: object
) -> None:
    with pytest.raises(DomainErrors) as raised:
        async with database.write() as tx:
            await track.track(
                tx, store_id, [TrackedEvent("e1", "points.changed", CUSTOMER, NOW, {"amount": amount})], NOW
            )
    assert [error.field for error in raised.value.errors] == [("events", 0, "attributes", "amount")]
