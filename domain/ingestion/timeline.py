"""Every question about orders and events."""

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


def timeline_event(row: AnyRow) -> TimelineEvent:
    return TimelineEvent(row.id, row.type, row.occurred_at, row.attributes)


def timelines(store_id: int, whose: ParentFilter, types: Sequence[str] | None = None) -> Select[Any]:
    """Orders and events alike, of the wished types; `occurred_at` and `id` order them, `parent` is the customer."""
    placed = select(
        orders.c.id,
        literal("order").label("type"),
        orders.c.placed_at.label("occurred_at"),
        type_coerce(null(), events.c.attributes.type).label("attributes"),
        orders.c.status,
        orders.c.total,
        orders.c.source,
        orders.c.customer_id.label("parent"),
    ).where(orders.c.store_id == store_id, whose(orders.c.customer_id))
    happened = select(
        events.c.id,
        events.c.type,
        events.c.occurred_at,
        events.c.attributes,
        null(),
        null(),
        null(),
        events.c.customer_id,
    ).where(events.c.store_id == store_id, whose(events.c.customer_id))
    both = union_all(placed, happened).subquery("timeline")
    found = select(both)
    return found if types is None else found.where(both.c.type.in_(types))


def timeline_row(row: AnyRow) -> TimelineEvent:
    """A row of the timeline; an order's attributes are its columns."""
    if row.type != "order":
        return timeline_event(row)
    attributes = {"status": row.status, "total": format(row.total, "f"), "source": row.source}
    return TimelineEvent(row.id, row.type, row.occurred_at, attributes)
