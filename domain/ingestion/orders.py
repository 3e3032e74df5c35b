"""Turns orders as clients send them into clean ones, or refuses them with the path of the field that is wrong."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from domain.customers import values
from domain.customers.key import CustomerKey
from domain.ingestion.fields import ATTRIBUTES, check_object, text_field
from domain.kit.errors import DomainError, ErrorCode, Path, check_field
from domain.orders.model import (
    DEFAULT_STATUS,
    MAX_ITEMS,
    TAG,
    Item,
    Order,
    currency_code,
    normalize_status,
    parse_amount,
    sum_of_items,
)

MAX_FACETS = 50
_FACET_NAME, _FACET_VALUE = 64, 200


def clean_order(event_id: str, customer: CustomerKey, moment: datetime, attributes: Mapping[str, Any]) -> Order:
    """Return the order. Raise DomainError with the path of the first field that is wrong."""
    items_path: Path = (*ATTRIBUTES, "items")
    items = [
        _item(check_object(item, (*items_path, index)), (*items_path, index))
        for index, item in enumerate(_list(attributes.get("items"), items_path, MAX_ITEMS, "objects"))
    ]
    payment_status = _state(attributes, "payment_status")
    currency = text_field(attributes, "currency", 64, ATTRIBUTES)
    total = attributes.get("total")
    return Order(
        id=event_id,
        customer=customer,
        placed_at=moment,
        # An order without a status of its own has that of its payment.
        status=_state(attributes, "status") or payment_status or DEFAULT_STATUS,
        total=(
            check_field(items_path, sum_of_items, items)
            if total is None
            else check_field((*ATTRIBUTES, "total"), parse_amount, total)
        ),
        items=items,
        source=text_field(attributes, "source", 64, ATTRIBUTES),
        payment_status=payment_status,
        delivery_status=_state(attributes, "delivery_status"),
        coupon=text_field(attributes, "coupon", 100, ATTRIBUTES),
        campaign=text_field(attributes, "campaign", 64, ATTRIBUTES),
        currency=check_field((*ATTRIBUTES, "currency"), currency_code, currency) if currency else None,
    )


def _state(attributes: Mapping[str, Any], name: str) -> str | None:
    value = text_field(attributes, name, 32, ATTRIBUTES)
    return check_field((*ATTRIBUTES, name), normalize_status, value) if value else None


def _list(value: object, field: Path, most: int, kind: str) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise DomainError(f"{field[-1]}: must be a list of {kind}", field=field)
    elements = cast("list[object]", value)
    if len(elements) > most:
        message = f"{field[-1]}: there are {len(elements):,}: {most:,} at most"
        raise DomainError(message, field=field, code=ErrorCode.LIMIT_EXCEEDED)
    return elements


def _item(item: Mapping[str, Any], field: Path) -> Item:
    tags = _list(item.get("tags"), (*field, "tags"), MAX_FACETS, "strings")
    facets = {(TAG, _text(tag, (*field, "tags", index))) for index, tag in enumerate(tags)}
    attributes = check_object(item.get("attributes"), (*field, "attributes"))
    if len(attributes) > MAX_FACETS:
        message = f"attributes: there are {len(attributes)}: {MAX_FACETS} at most"
        raise DomainError(message, field=(*field, "attributes"), code=ErrorCode.LIMIT_EXCEEDED)
    for name, value in attributes.items():
        path = (*field, "attributes", name)
        facets.add((check_field(path, _facet_name, name), _text(value, path)))
    return Item(
        product=text_field(item, "product", 200, field),
        name=text_field(item, "name", 200, field),
        variant=text_field(item, "variant", 200, field),
        category=text_field(item, "category", 200, field),
        department=text_field(item, "department", 200, field),
        brand=text_field(item, "brand", 200, field),
        quantity=float(check_field((*field, "quantity"), parse_amount, item.get("quantity", 1))),
        price=check_field((*field, "price"), parse_amount, item.get("price", 0)),
        facets=frozenset((facet, value) for facet, value in facets if value),
    )


def _facet_name(name: str) -> str:
    cleaned = values.text(name, _FACET_NAME)
    if cleaned is None or cleaned == TAG:
        raise DomainError('needs a name, other than "tag"')
    return cleaned


def _text(value: object, field: Path) -> str:
    if not isinstance(value, str):
        raise DomainError(f"{field[-2]}: must be strings", field=field)
    return check_field(field, lambda text: values.text(text, _FACET_VALUE), value) or ""
