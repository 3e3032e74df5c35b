"""Orders as clients send them: cleaned, or refused with the place of the fault."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from domain.customers import values
from domain.customers.key import CustomerKey
from domain.ingestion.fields import ATTRIBUTES, check_object, text_field
from domain.kit.errors import DomainError, ErrorCode, Path, check_field
from domain.orders.model import MAX_ITEMS, TAG, Item, Order, normalize_status, parse_amount

MAX_FACETS = 50
_FACET_NAME, _FACET_VALUE = 64, 200


def clean_order(event_id: str, customer: CustomerKey, moment: datetime, said: Mapping[str, Any]) -> Order:
    items = _items(said.get("items"))
    total = said.get("total")
    return Order(
        id=event_id,
        customer=customer,
        placed_at=moment,
        status=check_field((*ATTRIBUTES, "status"), normalize_status, text_field(said, "status", 32, ATTRIBUTES) or ""),
        total=_sum(items) if total is None else check_field((*ATTRIBUTES, "total"), parse_amount, total),
        items=items,
        source=text_field(said, "source", 64, ATTRIBUTES),
        payment_status=_state(said, "payment_status"),
        delivery_status=_state(said, "delivery_status"),
        coupon=text_field(said, "coupon", 100, ATTRIBUTES),
        campaign=text_field(said, "campaign", 64, ATTRIBUTES),
    )


def _state(said: Mapping[str, Any], name: str) -> str | None:
    value = text_field(said, name, 32, ATTRIBUTES)
    return value.lower() if value else None


def _sum(items: Sequence[Item]) -> Decimal:
    return sum((item.price * Decimal(str(item.quantity)) for item in items), Decimal(0))


def _items(value: object) -> list[Item]:
    field: Path = (*ATTRIBUTES, "items")
    given = _list(value, field, MAX_ITEMS, "objects")
    return [_item(check_object(item, (*field, place)), (*field, place)) for place, item in enumerate(given)]


def _list(value: object, field: Path, most: int, of: str) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise DomainError(f"{field[-1]}: must be a list of {of}", field=field)
    given = cast("list[object]", value)
    if len(given) > most:
        said = f"{field[-1]}: there are {len(given):,}: {most:,} at most"
        raise DomainError(said, field=field, code=ErrorCode.LIMIT_EXCEEDED)
    return given


def _item(item: Mapping[str, Any], field: Path) -> Item:
    return Item(
        product=text_field(item, "product", 200, field),
        name=text_field(item, "name", 200, field),
        variant=text_field(item, "variant", 200, field),
        category=text_field(item, "category", 200, field),
        department=text_field(item, "department", 200, field),
        brand=text_field(item, "brand", 200, field),
        quantity=check_field((*field, "quantity"), _quantity, item.get("quantity", 1)),
        price=check_field((*field, "price"), parse_amount, item.get("price", 0)),
        facets=_facets(item, field),
    )


def _quantity(value: object) -> float:
    return float(parse_amount(value))


def _facets(item: Mapping[str, Any], field: Path) -> frozenset[tuple[str, str]]:
    tags = _list(item.get("tags"), (*field, "tags"), MAX_FACETS, "strings")
    found = {(TAG, _text(tag, (*field, "tags", place))) for place, tag in enumerate(tags)}
    named = check_object(item.get("attributes"), (*field, "attributes"))
    if len(named) > MAX_FACETS:
        said = f"attributes: there are {len(named)}: {MAX_FACETS} at most"
        raise DomainError(said, field=(*field, "attributes"), code=ErrorCode.LIMIT_EXCEEDED)
    for name, value in named.items():
        here = (*field, "attributes", name)
        found.add((check_field(here, _facet_name, name), _text(value, here)))
    return frozenset(pair for pair in found if pair[1])


def _facet_name(name: str) -> str:
    cleaned = values.text(name, _FACET_NAME)
    if cleaned is None or cleaned == TAG:
        raise DomainError('needs a name, other than "tag"')
    return cleaned


def _text(value: object, field: Path) -> str:
    if not isinstance(value, str):
        raise DomainError(f"{field[-2]}: must be strings", field=field)
    return check_field(field, lambda text: values.text(text, _FACET_VALUE), value) or ""
