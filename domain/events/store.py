"""Every question about orders and events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, literal, null, select, type_coerce, union_all

from domain.db import AnyRow
from domain.events.tables import events, orders


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    type: str
    occurred_at: datetime
    attributes: object


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    id: str
    customer_id: int
    placed_at: datetime
    status: str
    total: Decimal


def events_of(store_id: int, customer_id: int) -> Select[Any]:
    return select(events.c.id, events.c.type, events.c.occurred_at, events.c.attributes).where(
        events.c.store_id == store_id, events.c.customer_id == customer_id
    )


def event_of(row: AnyRow) -> Event:
    return Event(row.id, row.type, row.occurred_at, row.attributes)


def orders_of(store_id: int, customer_id: int) -> Select[Any]:
    return select(orders.c.id, orders.c.customer_id, orders.c.placed_at, orders.c.status, orders.c.total).where(
        orders.c.store_id == store_id, orders.c.customer_id == customer_id
    )


def order_of(row: AnyRow) -> PlacedOrder:
    return PlacedOrder(row.id, row.customer_id, row.placed_at, row.status, row.total)


def timeline_of(store_id: int, customer_id: int, types: Sequence[str] | None = None) -> Select[Any]:
    """Orders and events alike, of the wished types; `occurred_at` and `id` order them."""
    placed = select(
        orders.c.id,
        literal("order").label("type"),
        orders.c.placed_at.label("occurred_at"),
        type_coerce(null(), events.c.attributes.type).label("attributes"),
        orders.c.status,
        orders.c.total,
        orders.c.source,
    ).where(orders.c.store_id == store_id, orders.c.customer_id == customer_id)
    happened = select(
        events.c.id, events.c.type, events.c.occurred_at, events.c.attributes, null(), null(), null()
    ).where(events.c.store_id == store_id, events.c.customer_id == customer_id)
    both = union_all(placed, happened).subquery("timeline")
    found = select(both)
    return found if types is None else found.where(both.c.type.in_(types))


def moment_of(row: AnyRow) -> Event:
    """A row of the timeline; an order's attributes are its columns."""
    if row.type != "order":
        return event_of(row)
    attributes = {"status": row.status, "total": format(row.total, "f"), "source": row.source}
    return Event(row.id, row.type, row.occurred_at, attributes)
