"""What each dimension of the catalogue is of a customer, said again in plain Python."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial

import phonenumbers

from tests.domain.segments.comparisons import TODAY, age
from tests.domain.segments.persons import Contact, Person

Read = Callable[[Person], object]
_NEVER = "NOT_SUBSCRIBED"


def values_of(person: Person, dimension: str) -> list[object]:
    """All values that a customer has of it: none, one, or several."""
    if dimension in person.row:
        return _present(person.row[dimension])
    if dimension in _COMPUTED:
        return _present(_COMPUTED[dimension](person))
    if dimension in _SEVERAL:
        return [present for value in _SEVERAL[dimension](person) for present in _present(value)]
    kind, _, rest = dimension.partition(".")
    return [present for value in _PREFIXED[kind](person, rest) for present in _present(value)]


def _present(value: object) -> list[object]:
    return [] if value is None else [value]


def _born(person: Person) -> date | None:
    birthday = person.row["birthday"]
    return birthday if isinstance(birthday, date) else None


def _calling_code(person: Person) -> str | None:
    phone = person.row["phone"]
    return None if phone is None else f"+{phonenumbers.parse(str(phone)).country_code}"


def _counted(person: Person) -> list[Decimal]:
    """What the orders that count come to in the store's currency; those in another come to nothing."""
    return [Decimal(str(order.row["total"] or 0)) for order in person.orders if order.counted]


def _average(person: Person) -> float | None:
    totals = [
        Decimal(str(total)) for order in person.orders if order.counted and (total := order.row["total"]) is not None
    ]
    return float(sum(totals, Decimal(0))) / len(totals) if totals else None


def _shopper(person: Person) -> str:
    return ("NONE", "ONE_TIME", "REPEAT")[min(2, len(_counted(person)))]


def _usable(expires_on: date | None) -> bool:
    return expires_on is None or expires_on >= TODAY


def _balance(person: Person, kind: str) -> Decimal:
    return sum((lot.remaining for lot in person.lots if lot.kind == kind and _usable(lot.expires_on)), Decimal(0))


_COMPUTED: Mapping[str, Read] = {
    "has_email": lambda person: person.row["email"] is not None,
    "has_phone": lambda person: person.row["phone"] is not None,
    "has_birthday": lambda person: person.row["birthday"] is not None,
    "email_domain": lambda person: str(person.row["email"]).partition("@")[2] if person.row["email"] else None,
    "phone_country_code": _calling_code,
    "age": lambda person: (born := _born(person)) and age(born),
    "birthday_year": lambda person: (born := _born(person)) and born.year,
    "birthday_month": lambda person: (born := _born(person)) and born.month,
    "order_count": lambda person: len(_counted(person)),
    "shopper": _shopper,
    "total_spent": lambda person: sum(_counted(person), Decimal(0)),
    "average_order_value": _average,
    "first_order_at": lambda person: min((order.placed_at for order in person.orders if order.counted), default=None),
    "last_order_at": lambda person: max((order.placed_at for order in person.orders if order.counted), default=None),
    "rfm_group": lambda person: person.scores.get("rfm_group"),
    "lifecycle_stage": lambda person: person.scores.get("stage"),
    "shopper_type": lambda person: person.scores.get("shopper_type"),
    "repurchase_position": lambda person: person.scores.get("repurchase_position"),
    "tag_count": lambda person: len(person.tags),
    "coupon_count": lambda person: sum(
        1 for coupon in person.coupons if coupon.used_at is None and _usable(coupon.expires_on)
    ),
    "points": partial(_balance, kind="points"),
    "credits": partial(_balance, kind="credits"),
    "gift_card": partial(_balance, kind="gift_card"),
}


def _areas(person: Person) -> list[object]:
    return [
        "-".join(part or "" for part in (address.country, address.region, address.city)) for address in person.addresses
    ]


def _expiring(person: Person, kind: str) -> list[object]:
    lots = [lot for lot in person.lots if lot.kind == kind and lot.remaining > 0]
    return [lot.expires_on for lot in lots if lot.expires_on and lot.expires_on >= TODAY]


def _unused(person: Person, name: str) -> list[object]:
    return [getattr(coupon, name) for coupon in person.coupons if coupon.used_at is None and _usable(coupon.expires_on)]


def _reachable_on(person: Person) -> list[object]:
    """The address of the contact, or the profile's where the channel takes one, unless it is known to fail."""
    own = {"email": person.row["email"], "sms": person.row["phone"]}
    reachable: list[object] = []
    for channel in {*own, *person.contacts}:
        contact = person.contacts.get(channel)
        address = (contact and contact.address) or own.get(channel)
        if address is not None and not (contact and contact.invalid):
            reachable.append(channel)
    return reachable


_SEVERAL: Mapping[str, Callable[[Person], list[object]]] = {
    "tag": lambda person: list(person.tags),
    "channel": _reachable_on,
    "coupon": lambda person: _unused(person, "coupon"),
    "coupon.expire_on": lambda person: _unused(person, "expires_on"),
    "coupon.received_at": lambda person: [coupon.received_at for coupon in person.coupons if coupon.used_at is None],
    "address.area": _areas,
    "near": lambda person: [
        (address.latitude, address.longitude) for address in person.addresses if address.latitude is not None
    ],
}


def _wallet(person: Person, rest: str, kind: str) -> list[object]:
    if rest == "expire_on":
        return _expiring(person, kind)
    change = person.changes.get(kind)
    names = {"last_change": "amount", "last_reason": "reason", "last_changed_at": "at"}
    return [] if change is None else [getattr(change, names[rest])]


def _contact(person: Person, channel: str, read: Callable[[Contact], object]) -> list[object]:
    return [channel in person.contacts and read(person.contacts[channel])]


_PREFIXED: Mapping[str, Callable[[Person, str], list[object]]] = {
    "property": lambda person, key: [person.properties.get(key)],
    "address": lambda person, key: [getattr(address, key) for address in person.addresses],
    "tag": lambda person, source: [tag for tag, by in person.tags.items() if by == source],
    "consent": lambda person, key: [person.contacts[key].consent if key in person.contacts else _NEVER],
    "contact": lambda person, key: _contact(person, key, lambda contact: contact.address is not None),
    "invalid": lambda person, key: _contact(person, key, lambda contact: contact.invalid),
    "favourite": lambda person, key: [person.favourites.get(key)],
    "rfm": lambda person, key: [person.scores.get(key)],
    "first_visit": lambda person, key: [person.origin.get(key)],
    "points": partial(_wallet, kind="points"),
    "credits": partial(_wallet, kind="credits"),
    "gift_card": partial(_wallet, kind="gift_card"),
}
