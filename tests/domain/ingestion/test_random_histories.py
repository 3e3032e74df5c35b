"""Whatever comes in, late, early, refunded, cancelled or twice: what is kept is a plain count of all of it."""

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
from domain.customers.tables import customer_facts, customer_favourites, customer_origins, customers
from domain.events import counters
from domain.events.log_tables import event_counters
from domain.ingestion import track
from domain.ingestion.model import TrackedEvent
from domain.kit.db import Database
from domain.orders import facts
from domain.orders.tables import order_items, orders
from domain.wallets.tables import changes, coupons, lots
from tests.factories import NOW, add_store
from tests.properties import examples

START = datetime(2026, 7, 1, tzinfo=UTC)
Attributes = dict[str, Any]


def _event(number: int, said: tuple[str, Attributes], customer: int, hours: int) -> TrackedEvent:
    moment = START + timedelta(hours=hours)
    return TrackedEvent(f"e{number}", said[0], CustomerKey(external_id=f"c{customer}"), moment, said[1])


def _order(number: int, customer: int, hours: int, said: Attributes) -> TrackedEvent:
    return TrackedEvent(
        f"o{number}", "order", CustomerKey(external_id=f"c{customer}"), START + timedelta(hours=hours), said
    )


_hours, _who = st.integers(-2_000, 2_000), st.integers(0, 2)
_items = st.lists(
    st.fixed_dictionaries(
        {"category": st.sampled_from(["Bags", "Shoes"]), "quantity": st.integers(1, 3), "price": st.integers(0, 90)}
    ),
    max_size=3,
)
_placed = st.builds(
    _order, st.integers(0, 4), _who, _hours, st.fixed_dictionaries({"total": st.integers(0, 500), "items": _items})
)
_of_order = st.integers(0, 4).map(lambda number: f"o{number}")
_said = st.one_of(
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
_happened = st.builds(_event, st.integers(0, 80), _said, _who, _hours)
batches = st.lists(st.lists(st.one_of(_placed, _happened), max_size=15), max_size=5)


@examples(40)
@given(history=batches)
def test_what_is_kept_is_a_plain_count_of_everything(database_url: str, history: list[list[TrackedEvent]]) -> None:
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

        async def kept(*columns: Any) -> list[Any]:
            found = select(*columns).where(columns[0].table.c.store_id == store_id)
            return [(names[row[0]], *row[1:]) for row in await tx.execute(found)]

        tally = event_counters.c
        assert sorted(
            await kept(tally.customer_id, tally.type, tally.count, tally.first_at, tally.last_at)
        ) == _tallies(events)
        order = orders.c
        assert sorted(await kept(order.customer_id, order.id, order.counted, order.total, order.refunded)) == sorted(
            placed
        )
        item = order_items.c
        assert set(await kept(item.customer_id, item.order_id, item.counted)) == {
            (who, key, counted) for who, key, counted, _, _ in placed if _find(events, key).attributes["items"]
        }
        fact = customer_facts.c
        assert {row[0]: row[1:] for row in await kept(fact.customer_id, fact.order_count, fact.total_spent)} == {
            name: (
                len([1 for who, _, counted, _, _ in placed if who == name and counted]),
                sum((total for who, _, counted, total, _ in placed if who == name and counted), Decimal(0)),
            )
            for name in names.values()
        }
        assert dict(await kept(customer_origins.c.customer_id, customer_origins.c.landing_page)) == _origins(events)
        assert dict(await _sums(kept)) == _points(events)
        assert dict(await kept(changes.c.customer_id, changes.c.amount)) == {
            who: Decimal(_attributes(own[-1])["amount"]) for who, own in _of(events, "points.changed").items()
        }
        assert sorted(
            await kept(coupons.c.customer_id, coupons.c.coupon, coupons.c.received_at, coupons.c.used_at), key=str
        ) == sorted(_coupons(events), key=str)
        favourite = customer_favourites.c
        assert {
            (who, value) for who, _, value in await kept(favourite.customer_id, favourite.kind, favourite.value)
        } == _favourites(events, placed)


async def _sums(kept: Any) -> list[tuple[str, Decimal]]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for who, remaining in await kept(lots.c.customer_id, lots.c.remaining):
        sums[who] += remaining
    return [(who, total) for who, total in sums.items() if total]


def _attributes(event: TrackedEvent) -> Attributes:
    return cast("Attributes", event.attributes)


def _key(event: TrackedEvent) -> str:
    return str(event.customer.external_id)


def _in_time(events: Iterable[TrackedEvent]) -> list[TrackedEvent]:
    return sorted(events, key=lambda event: (event.occurred_at, event.id))


def _of(events: Iterable[TrackedEvent], *kinds: str) -> dict[str, list[TrackedEvent]]:
    found: dict[str, list[TrackedEvent]] = defaultdict(list)
    for event in _in_time(events):
        if event.type in kinds:
            found[_key(event)].append(event)
    return found


def _find(events: Iterable[TrackedEvent], key: str) -> Any:
    return next(event for event in events if event.type == "order" and event.id == key)


def _orders(events: list[TrackedEvent]) -> list[tuple[str, str, bool, Decimal, Decimal]]:
    found: list[tuple[str, str, bool, Decimal, Decimal]] = []
    for order in (event for event in events if event.type == "order"):
        status, refunded = "completed", Decimal(0)
        total = Decimal(_attributes(order)["total"])
        for event in _in_time(events):
            said = _attributes(event)
            if said.get("order") != order.id:
                continue
            if event.type == "order.refunded":
                refunded = min(total, refunded + Decimal(said.get("amount", total)))
            else:
                status = said.get("status", "cancelled")
        counted = status not in {"cancelled", "deleted"}
        found.append((_key(order), order.id, counted, total - refunded, refunded))
    return found


def _tallies(events: list[TrackedEvent]) -> list[tuple[str, str, int, datetime, datetime]]:
    groups: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for event in events:
        if event.type != "order":
            groups[_key(event), event.type].append(event.occurred_at)
    return sorted((who, kind, len(at), min(at), max(at)) for (who, kind), at in groups.items())


def _origins(events: list[TrackedEvent]) -> dict[str, str]:
    return {who: _attributes(own[0])["page"] for who, own in _of(events, "visit").items()}


def _points(events: list[TrackedEvent]) -> dict[str, Decimal]:
    sums = {
        who: Decimal(sum(_attributes(event)["amount"] for event in own))
        for who, own in _of(events, "points.changed").items()
    }
    return {who: total for who, total in sums.items() if total}


def _coupons(events: list[TrackedEvent]) -> list[tuple[str, str, datetime | None, datetime | None]]:
    times: dict[tuple[str, str], dict[str, datetime]] = defaultdict(dict)
    for who, own in _of(events, "coupon.received", "coupon.used").items():
        for event in own:
            times[who, _attributes(event)["coupon"]].setdefault(event.type, event.occurred_at)
    return [(who, coupon, at.get("coupon.received"), at.get("coupon.used")) for (who, coupon), at in times.items()]


def _favourites(events: list[TrackedEvent], placed: list[Any]) -> set[tuple[str, str]]:
    bought: dict[str, Counter[str]] = defaultdict(Counter)
    last: dict[tuple[str, str], datetime] = {}
    for who, key, counted, _, _ in placed:
        order = _find(events, key)
        for item in order.attributes["items"] if counted else ():
            bought[who][item["category"]] += item["quantity"]
            pair = (who, item["category"])
            last[pair] = max(last.get(pair, order.occurred_at), order.occurred_at)
    return {
        (who, min(own, key=lambda value: (-own[value], -last[who, value].timestamp(), value)))
        for who, own in bought.items()
    }
