"""Reads orders and events as one timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, literal, null, select, type_coerce, union_all

from domain.events.tables import events
from domain.kit.db import AnyRow
from domain.kit.db.portable import ParentFilter
from domain.orders.tables import orders


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    id: str
    type: str
    occurred_at: datetime
    attributes: object


def timelines(store_id: int, parents: ParentFilter, types: Sequence[str] | None = None) -> Select[Any]:
    """Return a select of orders and events of these types, or of all; `parent` is the customer.

    `occurred_at` and `id` order the rows.
    """
    order_rows = select(
        orders.c.id,
        literal("order").label("type"),
        orders.c.placed_at.label("occurred_at"),
        type_coerce(null(), events.c.attributes.type).label("attributes"),
        orders.c.status,
        orders.c.total,
        orders.c.source,
        orders.c.currency,
        orders.c.foreign_total,
        orders.c.customer_id.label("parent"),
    ).where(orders.c.store_id == store_id, parents(orders.c.customer_id))
    event_rows = select(
        events.c.id,
        events.c.type,
        events.c.occurred_at,
        events.c.attributes,
        *(null() for _ in range(5)),
        events.c.customer_id,
    ).where(events.c.store_id == store_id, parents(events.c.customer_id))
    rows = union_all(order_rows, event_rows).subquery("timeline")
    timeline = select(rows)
    return timeline if types is None else timeline.where(rows.c.type.in_(types))


def timeline_event(row: AnyRow) -> TimelineEvent:
    """Return a row of the timeline as an event; an order's attributes are its columns."""
    attributes = row.attributes
    if row.type == "order":
        total = row.foreign_total if row.total is None else row.total
        attributes = {
            "status": row.status,
            "total": format(total, "f"),
            "currency": row.currency,
            "source": row.source,
        }
    return TimelineEvent(row.id, row.type, row.occurred_at, attributes)
