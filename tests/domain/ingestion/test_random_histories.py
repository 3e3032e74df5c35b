"""Whatever comes in, late, early, refunded, cancelled or twice: what is stored is a plain count of all of it."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from domain.customers.key import CustomerKey
from domain.customers.tables import customer_facts, customer_origins, customers
from domain.events import counters
from domain.events.tables import event_counters
from domain.ingestion import track
from domain.ingestion.model import TrackedEvent
from domain.kit.db import Database
from domain.orders import facts
from domain.orders.tables import customer_favourites, order_items, orders
from domain.wallets.tables import changes, coupons, lots
from tests.factories import NOW, add_store
from tests.properties import examples

START = datetime(2026, 7, 1, tzinfo=UTC)
Attributes = dict[str, Any]


def _event(number: int, content: tuple[str, Attributes], customer: int, hours: int) -> TrackedEvent:
    event_type, attributes = content
    moment = START + timedelta(hours=hours)
    return TrackedEvent(f"e{number}", event_type, CustomerKey(external_id=f"c{customer}"), moment, attributes)


def _order(number: int, customer: int, hours: int, attributes: Attributes) -> TrackedEvent:
    return TrackedEvent(
        f"o{number}", "order", CustomerKey(external_id=f"c{customer}"), START + timedelta(hours=hours), attributes
    )


_hours, _customer = st.integers(-2_000, 2_000), st.integers(0, 2)
_items = st.lists(
    st.fixed_dictionaries(
        {"category": st.sampled_from(["Bags", "Shoes"]), "quantity": st.integers(1, 3), "price": st.integers(0, 90)}
    ),
    max_size=3,
)
_placed = st.builds(
    _order, st.integers(0, 4), _customer, _hours, st.fixed_dictionaries({"total": st.integers(0, 500), "items": _items})
)
_of_order = st.integers(0, 4).map(lambda number: f"o{number}")
_contents = st.one_of(
    st.tuples(st.just("order.cancelled"), st.fixed_dictionaries({"order": _of_order})),
    st.tuples(
        st.just("order.refunded"), st.fixed_dictionaries({"order": _of_order}, optional={"amount": st.integers(1, 300)})
    ),
    st.tuples(
        st.just("order.updated"),
        st.fixed_dictionaries({"order": _of_order, "status": st.sampled_from(["open", "completed", "deleted"])}),
    ),
    st.tuples(st.just("points.changed"), st.fixed_dictionaries({"amount": st.integers(-50, 50).filter(bool)})),
    st.tuples(
        st.sampled_from(["coupon.received", "coupon.used"]),
        st.fixed_dictionaries({"coupon": st.sampled_from(["TEN", "FREE"])}),
    ),
    st.tuples(st.just("visit"), st.fixed_dictionaries({"page": st.sampled_from(["/a", "/b"])})),
    st.tuples(st.just("tasting"), st.just(Attributes())),
)
_happened = st.builds(_event, st.integers(0, 80), _contents, _customer, _hours)
batches = st.lists(st.lists(st.one_of(_placed, _happened), max_size=15), max_size=5)


@examples(40)
@given(history=batches)
def test_what_is_stored_is_a_plain_count_of_everything(database_url: str, history: list[list[TrackedEvent]]) -> None:
    asyncio.run(_check(database_url, history))


async def _check(url: str, history: Sequence[Sequence[TrackedEvent]]) -> None:
    database = Database(url)
    try:
        await _replay(database, history)
    finally:
        await database.close()


async def _replay(database: Database, history: Sequence[Sequence[TrackedEvent]]) -> None:
    async with database.write() as tx:
        store_id = await add_store(tx)
    first: dict[tuple[bool, str], TrackedEvent] = {}
    for batch in history:
        async with database.write() as tx:
            await track.track(tx, store_id, batch, NOW)
        for event in batch:
            first.setdefault((event.type == "order", event.id), event)
    events = list(first.values())
    placed = _orders(events)
    async with database.read() as tx:
        assert await facts.mismatches(tx, store_id) == []
        assert await counters.mismatches(tx, store_id) == []
        named = select(customers.c.id, customers.c.external_id).where(customers.c.store_id == store_id)
        names = {row[0]: row[1] for row in await tx.execute(named)}

        async def stored(*columns: Any) -> list[Any]:
            rows = await tx.execute(select(*columns).where(columns[0].table.c.store_id == store_id))
            return [(names[customer_id], *values) for customer_id, *values in rows]

        counter = event_counters.c
        assert sorted(
            await stored(counter.customer_id, counter.type, counter.count, counter.first_at, counter.last_at)
        ) == _counters(events)
        order = orders.c
        assert sorted(await stored(order.customer_id, order.id, order.counted, order.total, order.refunded)) == sorted(
            placed
        )
        item = order_items.c
        assert set(await stored(item.customer_id, item.order_id, item.counted)) == {
            (customer, key, counted)
            for customer, key, counted, _, _ in placed
            if _find(events, key).attributes["items"]
        }
        fact = customer_facts.c
        assert {row[0]: row[1:] for row in await stored(fact.customer_id, fact.order_count, fact.total_spent)} == {
            name: (
                len([1 for customer, _, counted, _, _ in placed if customer == name and counted]),
                sum((total for customer, _, counted, total, _ in placed if customer == name and counted), Decimal(0)),
            )
            for name in names.values()
        }
        assert dict(await stored(customer_origins.c.customer_id, customer_origins.c.landing_page)) == _origins(events)
        assert dict(await _sums(stored)) == _points(events)
        assert dict(await stored(changes.c.customer_id, changes.c.amount)) == {
            customer: Decimal(_attributes(history[-1])["amount"])
            for customer, history in _of(events, "points.changed").items()
        }
        assert sorted(
            await stored(coupons.c.customer_id, coupons.c.coupon, coupons.c.received_at, coupons.c.used_at), key=str
        ) == sorted(_coupons(events), key=str)
        favourite = customer_favourites.c
        assert {
            (customer, value)
            for customer, _, value in await stored(favourite.customer_id, favourite.kind, favourite.value)
        } == _favourites(events, placed)


async def _sums(stored: Any) -> list[tuple[str, Decimal]]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for customer, remaining in await stored(lots.c.customer_id, lots.c.remaining):
        sums[customer] += remaining
    return [(customer, total) for customer, total in sums.items() if total]


def _attributes(event: TrackedEvent) -> Attributes:
    return cast("Attributes", event.attributes)


def _key(event: TrackedEvent) -> str:
    return str(event.customer.external_id)


def _in_time(events: Iterable[TrackedEvent]) -> list[TrackedEvent]:
    return sorted(events, key=lambda event: (event.occurred_at, event.id))


def _of(events: Iterable[TrackedEvent], *kinds: str) -> dict[str, list[TrackedEvent]]:
    histories: dict[str, list[TrackedEvent]] = defaultdict(list)
    for event in _in_time(events):
        if event.type in kinds:
            histories[_key(event)].append(event)
    return histories


def _find(events: Iterable[TrackedEvent], key: str) -> Any:
    return next(event for event in events if event.type == "order" and event.id == key)


def _orders(events: list[TrackedEvent]) -> list[tuple[str, str, bool, Decimal, Decimal]]:
    expected: list[tuple[str, str, bool, Decimal, Decimal]] = []
    for order in (event for event in events if event.type == "order"):
        status, refunded = "completed", Decimal(0)
        total = Decimal(_attributes(order)["total"])
        for event in _in_time(events):
            attributes = _attributes(event)
            if attributes.get("order") != order.id:
                continue
            if event.type == "order.refunded":
                refunded = min(total, refunded + Decimal(attributes.get("amount", total)))
            else:
                status = attributes.get("status", "cancelled")
        counted = status not in {"cancelled", "deleted"}
        expected.append((_key(order), order.id, counted, total - refunded, refunded))
    return expected


def _counters(events: list[TrackedEvent]) -> list[tuple[str, str, int, datetime, datetime]]:
    groups: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for event in events:
        if event.type != "order":
            groups[_key(event), event.type].append(event.occurred_at)
    return sorted(
        (customer, kind, len(moments), min(moments), max(moments)) for (customer, kind), moments in groups.items()
    )


def _origins(events: list[TrackedEvent]) -> dict[str, str]:
    return {customer: _attributes(history[0])["page"] for customer, history in _of(events, "visit").items()}


def _points(events: list[TrackedEvent]) -> dict[str, Decimal]:
    sums = {
        customer: Decimal(sum(_attributes(event)["amount"] for event in history))
        for customer, history in _of(events, "points.changed").items()
    }
    return {customer: total for customer, total in sums.items() if total}


def _coupons(events: list[TrackedEvent]) -> list[tuple[str, str, datetime | None, datetime | None]]:
    times: dict[tuple[str, str], dict[str, datetime]] = defaultdict(dict)
    for customer, history in _of(events, "coupon.received", "coupon.used").items():
        for event in history:
            times[customer, _attributes(event)["coupon"]].setdefault(event.type, event.occurred_at)
    return [
        (customer, coupon, first.get("coupon.received"), first.get("coupon.used"))
        for (customer, coupon), first in times.items()
    ]


def _favourites(events: list[TrackedEvent], placed: list[Any]) -> set[tuple[str, str]]:
    bought: dict[str, Counter[str]] = defaultdict(Counter)
    last: dict[tuple[str, str], datetime] = {}
    for customer, key, counted, _, _ in placed:
        order = _find(events, key)
        for item in order.attributes["items"] if counted else ():
            bought[customer][item["category"]] += item["quantity"]
            pair = (customer, item["category"])
            last[pair] = max(last.get(pair, order.occurred_at), order.occurred_at)
    return {
        (customer, min(quantities, key=lambda value: (-quantities[value], -last[customer, value].timestamp(), value)))
        for customer, quantities in bought.items()
    }
