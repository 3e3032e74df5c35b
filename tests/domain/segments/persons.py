"""Many kinds of customers, the same at every making."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from domain.customers.model import PropertyDefinition
from domain.kit.values import ValueType
from domain.lifecycle.model import LifecycleStage, RepurchasePosition, RfmGroup, ShopperType
from domain.segments.catalogue import Ranks

NOW = datetime(2026, 2, 28, 20, 30, tzinfo=UTC)  # the 1st of March in Taipei already
TIMEZONE = "Asia/Taipei"

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
EXPIRIES = (None, date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 8), date(2026, 3, 31))
NUMBERS = (-1.5, 0.0, 1.0, 2.0, 2.5, 9.99, 1e9)
STATUSES = ("completed", "shipped")
# Taipei 101, a kilometre from it, Keelung, Tokyo, either side of the 180th meridian.
POINTS = (
    (25.0330, 121.5654),
    (25.0420, 121.5654),
    (25.1276, 121.7392),
    (35.6762, 139.6503),
    (-17.8, 179.9),
    (-17.8, -179.9),
)
PROPERTIES = tuple(
    PropertyDefinition(0, number, kind.value.lower(), kind.value.lower(), kind)
    for number, kind in enumerate(ValueType, start=1)
)
RANKS: Ranks = {"tier": ("Bronze", "Silver", "Gold"), "property.string": ("blå", "red")}
PropertyValue = str | float | bool | date | datetime


@dataclass
class Item:
    product: str | None
    name: str | None
    variant: str | None
    category: str | None
    department: str | None
    brand: str | None
    quantity: float
    price: Decimal
    facets: set[tuple[str, str]]


@dataclass
class Order:
    placed_at: datetime
    counted: bool
    row: dict[str, object]
    items: list[Item]

    @property
    def total(self) -> Decimal:
        return Decimal(str(self.row["total"] or 0))


@dataclass
class PastEvent:
    type: str
    occurred_at: datetime
    subject: str | None
    attributes: dict[str, object]


@dataclass
class Contact:
    consent: str
    address: str | None
    invalid: bool


@dataclass
class Address:
    country: str | None
    region: str | None
    city: str | None
    postcode: str | None
    street: str | None
    company: str | None
    latitude: float | None
    longitude: float | None


@dataclass
class Lot:
    kind: str
    remaining: Decimal
    expires_on: date | None


@dataclass
class Change:
    amount: Decimal
    reason: str | None
    at: datetime


@dataclass
class Coupon:
    coupon: str
    received_at: datetime | None
    expires_on: date | None
    used_at: datetime | None


@dataclass
class Person:
    id: int
    row: dict[str, object]
    tags: dict[str, str | None] = field(default_factory=dict[str, str | None])
    properties: dict[str, PropertyValue] = field(default_factory=dict[str, PropertyValue])
    contacts: dict[str, Contact] = field(default_factory=dict[str, Contact])
    addresses: list[Address] = field(default_factory=list[Address])
    favourites: dict[str, str] = field(default_factory=dict[str, str])
    origin: dict[str, object] = field(default_factory=dict[str, object])
    lots: list[Lot] = field(default_factory=list[Lot])
    changes: dict[str, Change] = field(default_factory=dict[str, Change])
    coupons: list[Coupon] = field(default_factory=list[Coupon])
    scores: dict[str, object] = field(default_factory=dict[str, object])
    orders: list[Order] = field(default_factory=list[Order])
    past_events: list[PastEvent] = field(default_factory=list[PastEvent])
    picked: bool = False
    listed: bool = False

    @property
    def consents(self) -> dict[str, str]:
        return {channel: contact.consent for channel, contact in self.contacts.items()}


def make_people(count: int = 60, seed: int = 7) -> list[Person]:
    chance = Random(seed)
    return [_person(chance, number) for number in range(1, count + 1)]


def _person(chance: Random, number: int) -> Person:
    person = Person(number, {**_profile(chance, number), **_account(chance)})
    person.tags = {
        tag: chance.choice([None, "manual", "import", "form", "shop"]) for tag in TAGS if chance.random() < 0.25
    }
    person.properties = {
        definition.key: _value(chance, definition.type) for definition in PROPERTIES if chance.random() < 0.6
    }
    for channel in ("email", "sms", "facebook"):
        if chance.random() < 0.7:
            consent = chance.choice(["SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED"])
            has_address, invalid = (chance.random() < (0.5 if channel == "facebook" else 0.3) for _ in range(2))
            address = {"email": f"u{number}@work.example", "sms": f"+8862{number:08}"}.get(channel, f"@{number}")
            person.contacts[channel] = Contact(consent, address if has_address else None, invalid)
    person.addresses = [_address(chance) for _ in range(chance.choice([0, 0, 1, 2]))]
    person.orders = [_order(chance) for _ in range(chance.choice([0, 0, 1, 1, 2, 3, 5, 11]))]
    person.past_events = [_happening(chance) for _ in range(chance.choice([0, 0, 1, 2, 4, 6]))]
    person.picked, person.listed = chance.random() < 0.3, chance.random() < 0.3
    _wealth(chance, person)
    person.scores = _scores(Random(number))
    return person


def _scores(chance: Random) -> dict[str, object]:
    """As they were last night: there is none of who came since, and few of who has not ordered."""
    if chance.random() < 0.2:
        return {}
    places: dict[str, object] = {
        "rfm_group": chance.choice([*RfmGroup]).value,
        "stage": chance.choice([*LifecycleStage]).value,
    }
    if chance.random() < 0.2:
        return places
    scored = {name: chance.randint(1, 5) for name in ("recency", "frequency", "monetary")}
    kind, position = chance.choice([*ShopperType]).value, chance.choice([*RepurchasePosition]).value
    return {**places, **scored, "shopper_type": kind, "repurchase_position": position}


def _profile(chance: Random, number: int) -> dict[str, object]:
    phones = [None, f"+88691234{number:04}", f"+1415555{number:04}", f"+8190123{number:05}"]
    return {
        "external_id": chance.choice([None, f"c{number}"]),
        "name": chance.choice(NAMES),
        "first_name": chance.choice(NAMES),
        "last_name": chance.choice(NAMES),
        "company": chance.choice([None, "Acme"]),
        "email": chance.choice([None, f"u{number}@shop.example", f"u{number}@mail.example"]),
        "email_verified": chance.random() < 0.5,
        "phone": chance.choice(phones),
        "phone_verified": chance.random() < 0.5,
        "gender": chance.choice([None, "MALE", "FEMALE", "UNDISCLOSED"]),
        "birthday": chance.choice([None, *DAYS]),
        "locale": chance.choice([None, "zh-TW", "en"]),
        "country": chance.choice([None, "TW", "JP"]),
        "city": chance.choice(CITIES),
        "source": chance.choice([None, "pos", "import"]),
        "note": chance.choice([None, "Likes a red hat"]),
    }


def _account(chance: Random) -> dict[str, object]:
    return {
        "registered_from": chance.choice([None, "line", "pos"]),
        "registration_form": chance.choice([None, "f1"]),
        "account_status": chance.choice([None, "ACTIVE", "DISABLED", "INVITED"]),
        "password_set": chance.choice([None, True, False]),
        "last_login_at": chance.choice([None, *MOMENTS]),
        "preferred_channel": chance.choice([None, "email", "line"]),
        "member": chance.random() < 0.5,
        "tier": chance.choice([None, "Gold", "Silver", "Bronze", "Paper"]),
        "tier_expires_on": chance.choice([None, *DAYS]),
        "loyalty_rank": chance.choice([None, "A", "B"]),
        "blacklisted": chance.random() < 0.15,
        "created_at": chance.choice(MOMENTS),
        "updated_at": NOW,
        "registered_at": chance.choice([None, *MOMENTS]),
        "deleted_at": NOW if chance.random() < 0.1 else None,
    }


def _wealth(chance: Random, person: Person) -> None:
    person.favourites = {kind: value for kind, value in _FAVOURITES.items() if chance.random() < 0.5}
    if chance.random() < 0.6:
        origin = {name: chance.choice([None, *values]) for name, values in _ORIGINS.items()}
        person.origin = {"at": chance.choice(MOMENTS), **origin}
    for kind in ("points", "credits", "gift_card"):
        for _ in range(chance.choice([0, 0, 1, 2])):
            remaining = chance.choice([Decimal(-5), Decimal(0), Decimal("0.5"), Decimal(10), Decimal(100)])
            person.lots.append(Lot(kind, remaining, chance.choice(EXPIRIES)))
        if chance.random() < 0.5:
            amount = chance.choice([Decimal(-5), Decimal("2.5"), Decimal(10)])
            person.changes[kind] = Change(amount, chance.choice([None, "order", "expiry"]), chance.choice(MOMENTS))
    for _ in range(chance.choice([0, 0, 1, 2])):
        used = chance.choice([None, None, NOW])
        received = chance.choice([None, *MOMENTS[:6]])
        person.coupons.append(Coupon(chance.choice(["WELCOME", "SPRING"]), received, chance.choice(EXPIRIES), used))


_FAVOURITES = {"product": "p1", "category": "Shoes", "brand": "Acme", "department": "Women"}
_ORIGINS = {
    "landing_page": ["/", "/sale"],
    "referrer": ["https://search.example/"],
    "utm_source": ["newsletter"],
    "utm_medium": ["email"],
    "utm_campaign": ["spring"],
}


def _address(chance: Random) -> Address:
    latitude, longitude = chance.choice([(None, None), *POINTS])
    return Address(
        chance.choice([None, "TW", "JP"]),
        chance.choice([None, "North"]),
        chance.choice(CITIES),
        chance.choice([None, "110", "11059"]),
        chance.choice([None, "Xinyi Road 7"]),
        chance.choice([None, "Acme"]),
        latitude,
        longitude,
    )


def _value(chance: Random, kind: ValueType) -> PropertyValue:
    choices: dict[ValueType, tuple[PropertyValue, ...]] = {
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
    # Of another currency than the store's: it counts, and is in no sum.
    foreign = chance.random() < 0.1
    row: dict[str, object] = {
        "status": chance.choice(STATUSES) if counted else "cancelled",
        "payment_status": chance.choice([None, "paid", "unpaid"]),
        "delivery_status": chance.choice([None, "shipped"]),
        "total": None if foreign else total,
        "currency": "EUR" if foreign else None,
        "foreign_total": total if foreign else None,
        "refunded": Decimal(0 if foreign else chance.choice([0, 0, 5])),
        "lines": len(items),
        "quantity": sum((item.quantity for item in items), 0.0),
        "source": chance.choice([None, "pos"]),
        "coupon": chance.choice([None, None, "SPRING"]),
        "campaign": chance.choice([None, None, "summer"]),
        "weekday": chance.choice([None, 1, 6, 7]),
        "month_day": chance.choice([None, 1, 15, 31]),
        "hour": chance.choice([None, 0, 12, 20]),
    }
    return Order(chance.choice(MOMENTS), counted, row, items)


def _item(chance: Random) -> Item:
    facets = [("tag", "TRUCK"), ("tag", "sale"), ("Size", "L"), ("Size", "M")]
    return Item(
        chance.choice(PRODUCTS),
        chance.choice(NAMES),
        chance.choice([None, "p1-red"]),
        chance.choice(CATEGORIES),
        chance.choice([None, "Women"]),
        chance.choice([None, "Acme"]),
        chance.choice([1.0, 2.0, 0.5]),
        Decimal(chance.choice(["0", "1.5", "10", "19.9999"])),
        {facet for facet in facets if chance.random() < 0.3},
    )


def _happening(chance: Random) -> PastEvent:
    attributes: dict[str, object] = {}
    said: dict[str, list[object]] = {
        "page": ["home", "Home", "cart", None],
        "amount": [1, 2.5, "2.5", True, None],
        "first time": [True, False, "true"],
    }
    for key, choices in said.items():
        if chance.random() < 0.8:
            attributes[key] = chance.choice(choices)
    kind = chance.choice(["visit", "visit", "Added to cart", "checkout", "email.clicked"])
    return PastEvent(kind, chance.choice(MOMENTS), chance.choice([None, "p1", "summer"]), attributes)
