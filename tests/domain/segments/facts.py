"""What each dimension of the catalogue is of a customer, said again in plain Python."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial

import phonenumbers

from tests.domain.segments.persons import Contact, Person
from tests.domain.segments.plainly import TODAY, age

Read = Callable[[Person], object]
_NEVER = "NOT_SUBSCRIBED"


def values_of(person: Person, dimension: str) -> list[object]:
    """All values that a customer has of it: none, one, or several."""
    if dimension in person.row:
        return _present(person.row[dimension])
    if dimension in _COMPUTED:
        return _present(_COMPUTED[dimension](person))
    if dimension in _SEVERAL:
        return [each for value in _SEVERAL[dimension](person) for each in _present(value)]
    kind, _, rest = dimension.partition(".")
    return [each for value in _PREFIXED[kind](person, rest) for each in _present(value)]


def _present(value: object) -> list[object]:
    return [] if value is None else [value]


def _born(person: Person) -> date | None:
    birthday = person.row["birthday"]
    return birthday if isinstance(birthday, date) else None


def _calling_code(person: Person) -> str | None:
    phone = person.row["phone"]
    return None if phone is None else f"+{phonenumbers.parse(str(phone)).country_code}"


def _counted(person: Person) -> list[Decimal]:
    return [Decimal(str(order.row["total"])) for order in person.orders if order.counted]


def _average(person: Person) -> float | None:
    totals = _counted(person)
    return float(sum(totals, Decimal(0))) / len(totals) if totals else None


def _shopper(person: Person) -> str:
    return ("NONE", "ONE_TIME", "REPEAT")[min(2, len(_counted(person)))]


def _usable(expires_on: date | None) -> bool:
    return expires_on is None or expires_on >= TODAY


def _balance(person: Person, kind: str) -> Decimal:
    return sum((lot.remaining for lot in person.lots if lot.kind == kind and _usable(lot.expires_on)), Decimal(0))


_COMPUTED: Mapping[str, Read] = {
    "has_email": lambda one: one.row["email"] is not None,
    "has_phone": lambda one: one.row["phone"] is not None,
    "has_birthday": lambda one: one.row["birthday"] is not None,
    "email_domain": lambda one: str(one.row["email"]).partition("@")[2] if one.row["email"] else None,
    "phone_country_code": _calling_code,
    "age": lambda one: (born := _born(one)) and age(born),
    "birthday_year": lambda one: (born := _born(one)) and born.year,
    "birthday_month": lambda one: (born := _born(one)) and born.month,
    "order_count": lambda one: len(_counted(one)),
    "shopper": _shopper,
    "total_spent": lambda one: sum(_counted(one), Decimal(0)),
    "average_order_value": _average,
    "first_order_at": lambda one: min((each.placed_at for each in one.orders if each.counted), default=None),
    "last_order_at": lambda one: max((each.placed_at for each in one.orders if each.counted), default=None),
    "rfm_group": lambda one: one.scores.get("rfm_group"),
    "lifecycle_stage": lambda one: one.scores.get("stage"),
    "shopper_type": lambda one: one.scores.get("shopper_type"),
    "repurchase_position": lambda one: one.scores.get("repurchase_position"),
    "tag_count": lambda one: len(one.tags),
    "coupon_count": lambda one: sum(1 for each in one.coupons if each.used_at is None and _usable(each.expires_on)),
    "points": partial(_balance, kind="points"),
    "credits": partial(_balance, kind="credits"),
    "gift_card": partial(_balance, kind="gift_card"),
}


def _areas(person: Person) -> list[object]:
    return ["-".join(each or "" for each in (one.country, one.region, one.city)) for one in person.addresses]


def _expiring(person: Person, kind: str) -> list[object]:
    lots = [lot for lot in person.lots if lot.kind == kind and lot.remaining > 0]
    return [lot.expires_on for lot in lots if lot.expires_on and lot.expires_on >= TODAY]


def _unused(person: Person, name: str) -> list[object]:
    return [getattr(each, name) for each in person.coupons if each.used_at is None and _usable(each.expires_on)]


_SEVERAL: Mapping[str, Callable[[Person], list[object]]] = {
    "tag": lambda one: list(one.tags),
    "channel": lambda one: list(one.contacts),
    "coupon": lambda one: _unused(one, "coupon"),
    "coupon.expire_on": lambda one: _unused(one, "expires_on"),
    "coupon.received_at": lambda one: [each.received_at for each in one.coupons if each.used_at is None],
    "address.area": _areas,
    "near": lambda one: [(each.latitude, each.longitude) for each in one.addresses if each.latitude is not None],
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
    "property": lambda one, key: [one.properties.get(key)],
    "address": lambda one, key: [getattr(each, key) for each in one.addresses],
    "tag": lambda one, source: [tag for tag, by in one.tags.items() if by == source],
    "consent": lambda one, key: [one.contacts[key].consent if key in one.contacts else _NEVER],
    "contact": lambda one, key: _contact(one, key, lambda contact: contact.address is not None),
    "invalid": lambda one, key: _contact(one, key, lambda contact: contact.invalid),
    "favourite": lambda one, key: [one.favourites.get(key)],
    "rfm": lambda one, key: [one.scores.get(key)],
    "first_visit": lambda one, key: [one.origin.get(key)],
    "points": partial(_wallet, kind="points"),
    "credits": partial(_wallet, kind="credits"),
    "gift_card": partial(_wallet, kind="gift_card"),
}
