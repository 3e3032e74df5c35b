"""A small shop: its customers, its segments and lists, as rows."""

from collections import defaultdict
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, insert, select

from domain.customers.tables import (
    contacts,
    customer_addresses,
    customer_origins,
    customer_properties,
    customer_tags,
    customers,
    property_definitions,
)
from domain.events import log
from domain.events.tables import event_customers, events
from domain.kit.db import Transaction
from domain.kit.values import ValueType
from domain.lifecycle.tables import customer_scores
from domain.orders.facts import recount_ids
from domain.orders.tables import customer_favourites, order_customers, order_item_facets, order_items, orders
from domain.segments.tables import list_members, lists, segment_members, segments, value_ranks
from domain.wallets.tables import changes, coupons, lots
from tests.domain.segments.persons import NOW, PROPERTIES, RANKS, TIMEZONE, Order, Person, make_people

__all__ = [
    "LIST",
    "NOW",
    "PICKED",
    "PROPERTIES",
    "SEGMENT",
    "TIMEZONE",
    "Order",
    "Person",
    "make_people",
    "store_people",
]

SEGMENT = UUID(int=1)
PICKED = UUID(int=2)
LIST = UUID(int=3)

Row = dict[str, object]
Rows = dict[Table, list[Any]]  # rows, of whatever their values are


async def store_people(tx: Transaction, store_id: int, everyone: list[Person]) -> None:
    rows: Rows = defaultdict(list)
    for definition in PROPERTIES:
        named = {"id": definition.id, "key": definition.key, "label": definition.label, "type": definition.type.value}
        rows[property_definitions].append({**named, "created_at": NOW})
    for dimension, ranked in RANKS.items():
        rows[value_ranks] += [{"dimension": dimension, "value": value, "rank": at} for at, value in enumerate(ranked)]
    for person in everyone:
        rows[customers].append({"id": person.id, **person.row})
        _beside(rows, person)
        _held(rows, person)
        _done(rows, person)
    favourites = rows.pop(customer_favourites)
    await _insert(tx, store_id, rows)
    ids = select(customers.c.id).where(customers.c.store_id == store_id)
    await recount_ids(tx, store_id, (await tx.execute(ids)).scalars())
    await log.add_to_counters(
        tx,
        store_id,
        select(events.c.type, events.c.customer_id, events.c.occurred_at).where(events.c.store_id == store_id),
    )
    # As the oracle has them, whatever the orders say.
    await tx.execute(delete(customer_favourites))
    await _insert(tx, store_id, {customer_favourites: favourites})
    await _save_groups(tx, store_id, everyone)


async def _insert(tx: Transaction, store_id: int, rows: Rows) -> None:
    for table, table_rows in rows.items():
        if table_rows:
            await tx.execute(insert(table), [{"store_id": store_id, **row} for row in table_rows])


def _beside(rows: Rows, person: Person) -> None:
    of_person: Row = {"customer_id": person.id}
    rows[customer_tags] += [{**of_person, "tag": tag, "source": source} for tag, source in person.tags.items()]
    rows[contacts] += [{**of_person, "channel": channel, **asdict(each)} for channel, each in person.contacts.items()]
    rows[customer_addresses] += [
        {**of_person, "position": position, **asdict(each)} for position, each in enumerate(person.addresses)
    ]
    rows[customer_favourites] += [
        {**of_person, "kind": kind, "value": value} for kind, value in person.favourites.items()
    ]
    unsaid = dict.fromkeys(("recency", "frequency", "monetary", "shopper_type", "repurchase_position"))
    rows[customer_scores] += (
        [{**of_person, **unsaid, **person.scores, "computed_on": NOW.date()}] if person.scores else []
    )
    rows[customer_origins] += [{**of_person, **person.origin}] if person.origin else []
    for each in PROPERTIES:
        if each.key in person.properties:
            empty: Row = {kind.column: None for kind in ValueType}
            kept = {"property_id": each.id, each.type.column: person.properties[each.key]}
            rows[customer_properties].append({**of_person, **empty, **kept})
    rows[segment_members] += [{**of_person, "segment_id": PICKED}] if person.picked else []
    rows[list_members] += [{**of_person, "list_id": LIST}] if person.listed else []


def _held(rows: Rows, person: Person) -> None:
    of_person: Row = {"customer_id": person.id}
    rows[lots] += [{**of_person, "id": str(number), **asdict(entry)} for number, entry in enumerate(person.lots)]
    rows[changes] += [{**of_person, "kind": kind, **asdict(entry)} for kind, entry in person.changes.items()]
    rows[coupons] += [
        {**of_person, "code": str(number), **asdict(entry)} for number, entry in enumerate(person.coupons)
    ]


def _done(rows: Rows, person: Person) -> None:
    rows[event_customers] += [
        {"customer_id": person.id, "event_id": f"{person.id}-{number}"} for number, _ in enumerate(person.past_events)
    ]
    rows[events] += [
        {"customer_id": person.id, "id": f"{person.id}-{number}", **asdict(event), "received_at": NOW}
        for number, event in enumerate(person.past_events)
    ]
    for number, order in enumerate(person.orders):
        _order_rows(rows, person.id, f"{person.id}-{number}", order)


def _order_rows(rows: Rows, customer_id: int, order_id: str, order: Order) -> None:
    shared = {"customer_id": customer_id, "placed_at": order.placed_at, "counted": order.counted}
    rows[order_customers].append({"customer_id": customer_id, "order_id": order_id})
    rows[orders].append({**shared, "id": order_id, **order.row, "updated_at": NOW})
    for position, item in enumerate(order.items):
        at = {"order_id": order_id, "position": position}
        columns = {key: value for key, value in vars(item).items() if key != "facets"}
        rows[order_items].append({**shared, **at, **columns})
        rows[order_item_facets] += [
            {"customer_id": customer_id, **at, "facet": facet, "value": value} for facet, value in sorted(item.facets)
        ]


async def _save_groups(tx: Transaction, store_id: int, everyone: list[Person]) -> None:
    shared = {"store_id": store_id, "active": True, "update_mode": "MANUAL", "started_on": NOW.date()}
    times = {"created_at": NOW, "updated_at": NOW}
    named: list[tuple[UUID, str, Row | None]] = [
        (SEGMENT, "DYNAMIC", {"attribute": {"dimension": "tag", "operator": "EQ", "values": ["VIP"]}}),
        (PICKED, "STATIC", None),
    ]
    for segment_id, kind, include in named:
        row = {"id": segment_id, "name": str(segment_id), "list_name": kind, "kind": kind, "include": include}
        await tx.execute(insert(segments).values(**shared, **times, **row))
    listed = {"id": LIST, "segment_id": SEGMENT, "name": "L", "number": 1, "status": "READY"}
    await tx.execute(
        insert(lists).values(
            store_id=store_id, **listed, count=sum(person.listed for person in everyone), created_at=NOW, expires_at=NOW
        )
    )
