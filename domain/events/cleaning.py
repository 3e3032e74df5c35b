"""Events as clients send them: cleaned, or refused with the place of the fault."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar, cast

import orjson

from domain.customers import checks
from domain.errors import DomainError, ErrorCode, Path
from domain.events.model import MAX_ITEMS, ORDER, CustomerKey, Happening, Item, Order, TrackedEvent, amount, status

_TYPE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_MOST_BYTES = 16_384
T = TypeVar("T")
R = TypeVar("R")


def clean(event: TrackedEvent) -> Order | Happening:
    event_id = _at(("id",), _required, event.id)
    kind = _at(("type",), _type, event.type)
    customer = _key(event.customer)
    moment = _at(("occurredAt",), _aware, event.occurred_at)
    attributes = _object(event.attributes, ("attributes",))
    if kind == ORDER:
        return _order(event_id, customer, moment, attributes)
    return Happening(event_id, kind, customer, moment, _at(("attributes",), _small, attributes))


def _at(field: Path, check: Callable[[T], R], value: T) -> R:
    try:
        return check(value)
    except DomainError as error:
        name = next(step for step in reversed(field) if isinstance(step, str))
        raise DomainError(f"{name}: {error.message}", field=field, code=error.code) from error


def _required(value: str) -> str:
    cleaned = checks.text(value, 200)
    if cleaned is None:
        raise DomainError("is empty", code=ErrorCode.REQUIRED)
    return cleaned


def _type(value: str) -> str:
    if not _TYPE.fullmatch(value):
        raise DomainError(f"{value[:60]!r} is no event type: lower-case letters, digits, _ . -, 64 at most")
    return value


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise DomainError("has no offset: write it as 2026-07-01T09:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise DomainError("is outside the years 1 to 9999") from error


def _key(key: CustomerKey) -> CustomerKey:
    if key.external_id is not None:
        return CustomerKey(external_id=_at(("customer", "externalId"), _required, key.external_id))
    if key.email is not None:
        email = _at(("customer", "email"), checks.email, key.email)
        if email is None:
            raise DomainError("email: is empty", field=("customer", "email"), code=ErrorCode.REQUIRED)
        return CustomerKey(email=email)
    if key.id is None:
        said = "customer: needs one of id, externalId, email"
        raise DomainError(said, field=("customer",), code=ErrorCode.REQUIRED)
    return key


def _object(value: object, field: Path) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DomainError(f"{field[-1]}: must be an object", field=field)
    return cast("dict[str, Any]", value)


def _small(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        written = orjson.dumps(attributes)
    except TypeError as error:
        raise DomainError(f"cannot be kept as JSON: {error}") from error
    if len(written) > _MOST_BYTES:
        raise DomainError(f"are {len(written):,} bytes of JSON: {_MOST_BYTES:,} at most")
    if b"\\u0000" in written:
        raise DomainError("hold the control character U+0000: remove it")
    return attributes


def _order(event_id: str, customer: CustomerKey, moment: datetime, attributes: Mapping[str, Any]) -> Order:
    items = _items(attributes.get("items"))
    total = attributes.get("total")
    return Order(
        id=event_id,
        customer=customer,
        placed_at=moment,
        status=_at(("attributes", "status"), status, _string(attributes, "status", ("attributes",)) or ""),
        total=_sum(items) if total is None else _at(("attributes", "total"), amount, total),
        source=_field(attributes, "source", 64, ("attributes",)),
        items=items,
    )


def _sum(items: Sequence[Item]) -> Decimal:
    return sum((item.price * Decimal(str(item.quantity)) for item in items), Decimal(0))


def _items(value: object) -> list[Item]:
    field: Path = ("attributes", "items")
    if value is None:
        return []
    if not isinstance(value, list):
        raise DomainError("items: must be a list of objects", field=field)
    given = cast("list[object]", value)
    if len(given) > MAX_ITEMS:
        said = f"items: there are {len(given):,}: {MAX_ITEMS:,} at most"
        raise DomainError(said, field=field, code=ErrorCode.LIMIT_EXCEEDED)
    return [_item(_object(item, (*field, at)), (*field, at)) for at, item in enumerate(given)]


def _item(item: Mapping[str, Any], field: Path) -> Item:
    return Item(
        product=_field(item, "product", 200, field),
        name=_field(item, "name", 200, field),
        category=_field(item, "category", 200, field),
        brand=_field(item, "brand", 200, field),
        quantity=_at((*field, "quantity"), _quantity, item.get("quantity", 1)),
        price=_at((*field, "price"), amount, item.get("price", 0)),
    )


def _quantity(value: object) -> float:
    return float(amount(value))


def _field(holder: Mapping[str, Any], name: str, longest: int, field: Path) -> str | None:
    value = _string(holder, name, field)
    return None if value is None else _at((*field, name), lambda text: checks.text(text, longest), value)


def _string(holder: Mapping[str, Any], name: str, field: Path) -> str | None:
    value = holder.get(name)
    if value is not None and not isinstance(value, str):
        raise DomainError(f"{name}: must be a string", field=(*field, name))
    return value
