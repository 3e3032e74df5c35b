"""A small shop of many kinds of customers, the same at every making."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from sqlalchemy import Table, insert, select

from domain.customers.model import PropertyDefinition, ValueType
from domain.customers.tables import (
    contacts,
    customer_properties,
    customer_tags,
    customers,
    property_definitions,
)
from domain.db import Transaction
from domain.events.facts import recount
from domain.events.tables import events, order_items, orders
from domain.segments.tables import list_members, lists, segment_members, segments

NOW = datetime(2026, 2, 28, 20, 30, tzinfo=UTC)  # the 1st of March in Taipei already
TIMEZONE = "Asia/Taipei"
SEGMENT = UUID(int=1)
PICKED = UUID(int=2)
LIST = UUID(int=3)

NAMES = (None, "Ana", "ana", "İpek Ilgaz", "Straße", "STRASSE", "😀 Zoë", "100%_a", 'quo"te', "back\\slash", "Ωmega")
CITIES = (None, "Taipei", "taipei", "台北", "São Paulo")
TAGS = ("VIP", "vip", "new", "Ğ", "a,b", "ß")
PRODUCTS = (None, "p1", "p2", "P2")
CATEGORIES = (None, "Accessories", "accessories", "Shoes")
MOMENTS = (
    NOW - timedelta(days=400),
    NOW - timedelta(days=31),
    datetime(2026, 1, 29, 15, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 1, 29, 16, tzinfo=UTC),
    NOW - timedelta(days=7),
    NOW - timedelta(hours=3),
    NOW,
    NOW + timedelta(microseconds=1),
    NOW + timedelta(days=5),
)
DAYS = (
    date(1980, 2, 29),
    date(1999, 2, 28),
    date(2000, 3, 1),
    date(2008, 3, 2),
    date(1970, 12, 31),
    date(2026, 2, 22),
    date(2026, 3, 8),
)
NUMBERS = (-1.5, 0.0, 1.0, 2.0, 2.5, 9.99, 1e9)
STATUSES = ("completed", "shipped")
PROPERTIES = tuple(
    PropertyDefinition(0, number, kind.value.lower(), kind.value.lower(), kind)
    for number, kind in enumerate(ValueType, start=1)
)
Said = str | float | bool | date | datetime


@dataclass
class Item:
    product: str | None
    name: str | None
    category: str | None
    brand: str | None
    quantity: float
    price: Decimal


@dataclass
class Order:
    placed_at: datetime
    status: str
    counted: bool
    total: Decimal
    source: str | None
    items: list[Item]


@dataclass
class Happening:
    type: str
    occurred_at: datetime
    attributes: dict[str, object]


@dataclass
class Person:
    id: int
    row: dict[str, object]
    tags: set[str] = field(default_factory=set[str])
    properties: dict[str, Said] = field(default_factory=dict[str, Said])
    consents: dict[str, str] = field(default_factory=dict[str, str])
    orders: list[Order] = field(default_factory=list[Order])
    happenings: list[Happening] = field(default_factory=list[Happening])
    picked: bool = False
    listed: bool = False


def people(count: int = 60, seed: int = 7) -> list[Person]:
    chance = Random(seed)
    return [_person(chance, number) for number in range(1, count + 1)]


def _person(chance: Random, number: int) -> Person:
    row: dict[str, object] = {
        "external_id": chance.choice([None, f"c{number}"]),
        "name": chance.choice(NAMES),
        "email": chance.choice([None, f"u{number}@shop.example", f"u{number}@mail.example"]),
        "email_verified": False,
        "phone": chance.choice([None, f"+88691234{number:04}"]),
        "phone_verified": False,
        "gender": chance.choice([None, "MALE", "FEMALE", "UNDISCLOSED"]),
        "birthday": chance.choice([None, *DAYS]),
        "locale": chance.choice([None, "zh-TW", "en"]),
        "country": chance.choice([None, "TW", "JP"]),
        "city": chance.choice(CITIES),
        "source": chance.choice([None, "pos", "import"]),
        "member": chance.random() < 0.5,
        "tier": chance.choice([None, "Gold", "Silver"]),
        "tier_expires_on": chance.choice([None, *DAYS]),
        "blacklisted": chance.random() < 0.15,
        "created_at": chance.choice(MOMENTS),
        "updated_at": NOW,
        "registered_at": chance.choice([None, *MOMENTS]),
        "deleted_at": NOW if chance.random() < 0.1 else None,
    }
    person = Person(number, row)
    person.tags = {tag for tag in TAGS if chance.random() < 0.25}
    person.properties = {each.key: _value(chance, each.type) for each in PROPERTIES if chance.random() < 0.6}
    for channel in ("email", "sms"):
        if chance.random() < 0.7:
            person.consents[channel] = chance.choice(["SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED"])
    person.orders = [_order(chance) for _ in range(chance.choice([0, 0, 1, 1, 2, 3, 5, 11]))]
    person.happenings = [_happening(chance) for _ in range(chance.choice([0, 0, 1, 2, 4]))]
    person.picked, person.listed = chance.random() < 0.3, chance.random() < 0.3
    return person


def _value(chance: Random, kind: ValueType) -> Said:
    choices: dict[ValueType, tuple[Said, ...]] = {
        ValueType.STRING: ("red", "Red", "blå"),
        ValueType.NUMBER: NUMBERS,
        ValueType.BOOLEAN: (True, False),
        ValueType.DATE: DAYS,
        ValueType.DATETIME: MOMENTS,
    }
    return chance.choice(choices[kind])


def _order(chance: Random) -> Order:
    counted = chance.random() < 0.85
    items = [_item(chance) for _ in range(chance.choice([0, 1, 1, 2, 3]))]
    total = (
        Decimal(chance.randrange(0, 400_000)) / 10_000 if chance.random() < 0.5 else Decimal(chance.choice([10, 20]))
    )
    status = chance.choice(STATUSES) if counted else "cancelled"
    return Order(chance.choice(MOMENTS), status, counted, total, chance.choice([None, "pos"]), items)


def _item(chance: Random) -> Item:
    return Item(
        chance.choice(PRODUCTS),
        chance.choice(NAMES),
        chance.choice(CATEGORIES),
        chance.choice([None, "Acme"]),
        chance.choice([1.0, 2.0, 0.5]),
        Decimal(chance.choice(["0", "1.5", "10", "19.9999"])),
    )


def _happening(chance: Random) -> Happening:
    attributes: dict[str, object] = {}
    said: dict[str, list[object]] = {
        "page": ["home", "Home", "cart", None],
        "amount": [1, 2.5, "2.5", True, None],
        "first time": [True, False, "true"],
    }
    for key, choices in said.items():
        if chance.random() < 0.8:
            attributes[key] = chance.choice(choices)
    return Happening(chance.choice(["visit", "Added to cart"]), chance.choice(MOMENTS), attributes)


async def save(tx: Transaction, store_id: int, everyone: list[Person]) -> None:
    rows: dict[Table, list[dict[str, object]]] = defaultdict(list)
    for each in PROPERTIES:
        named = {"id": each.id, "key": each.key, "label": each.label, "type": each.type.value}
        rows[property_definitions].append({**named, "created_at": NOW})
    for person in everyone:
        rows[customers].append({"id": person.id, **person.row})
        _beside(rows, person)
        for number, order in enumerate(person.orders):
            _order_rows(rows, person.id, f"{person.id}-{number}", order)
    for table, given in rows.items():
        await tx.execute(insert(table), [{"store_id": store_id, **row} for row in given])
    await recount(tx, store_id, select(customers.c.id).where(customers.c.store_id == store_id))
    await _save_groups(tx, store_id, everyone)


def _beside(rows: dict[Table, list[dict[str, object]]], person: Person) -> None:
    whose: dict[str, object] = {"customer_id": person.id}
    rows[customer_tags] += [{**whose, "tag": tag} for tag in person.tags]
    rows[contacts] += [
        {**whose, "channel": channel, "consent": consent, "invalid": False}
        for channel, consent in person.consents.items()
    ]
    for each in PROPERTIES:
        if each.key in person.properties:
            empty: dict[str, object] = {kind.column: None for kind in ValueType}
            kept = {"property_id": each.id, each.type.column: person.properties[each.key]}
            rows[customer_properties].append({**whose, **empty, **kept})
    for number, event in enumerate(person.happenings):
        said = {"type": event.type, "occurred_at": event.occurred_at, "attributes": event.attributes}
        rows[events].append({**whose, "id": f"{person.id}-{number}", **said, "received_at": NOW})
    rows[segment_members] += [{**whose, "segment_id": PICKED}] if person.picked else []
    rows[list_members] += [{**whose, "list_id": LIST}] if person.listed else []


def _order_rows(rows: dict[Table, list[dict[str, object]]], customer_id: int, order_id: str, order: Order) -> None:
    shared = {"customer_id": customer_id, "placed_at": order.placed_at, "counted": order.counted}
    more = {"status": order.status, "total": order.total, "source": order.source, "updated_at": NOW}
    rows[orders].append({**shared, "id": order_id, **more})
    for position, item in enumerate(order.items):
        rows[order_items].append({**shared, "order_id": order_id, "position": position, **vars(item)})


async def _save_groups(tx: Transaction, store_id: int, everyone: list[Person]) -> None:
    shared = {"store_id": store_id, "active": True, "update_mode": "MANUAL", "started_on": NOW.date()}
    times = {"created_at": NOW, "updated_at": NOW}
    named: list[tuple[UUID, str, dict[str, object] | None]] = [
        (SEGMENT, "DYNAMIC", {"attribute": {"dimension": "tag", "operator": "EQ", "values": ["VIP"]}}),
        (PICKED, "STATIC", None),
    ]
    for segment_id, kind, include in named:
        row = {"id": segment_id, "name": str(segment_id), "list_name": kind, "kind": kind, "include": include}
        await tx.execute(insert(segments).values(**shared, **times, **row))
    listed = {"id": LIST, "segment_id": SEGMENT, "name": "L", "number": 1, "status": "READY"}
    await tx.execute(
        insert(lists).values(
            store_id=store_id, **listed, count=sum(each.listed for each in everyone), created_at=NOW, expires_at=NOW
        )
    )
