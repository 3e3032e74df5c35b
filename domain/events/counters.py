"""Compares the counters with the log, for `muster doctor` and for tests."""

from typing import Any

from sqlalchemy import CompoundSelect, func, or_, select, union

from domain.events.tables import event_counters, events
from domain.kit.db import Transaction


def mismatched(store_id: int) -> CompoundSelect[Any, Any]:
    """Select the types and customers whose counters are not what counting their events gives."""
    counted = (
        select(
            events.c.type,
            events.c.customer_id,
            func.count().label("count"),
            func.min(events.c.occurred_at).label("first_at"),
            func.max(events.c.occurred_at).label("last_at"),
        )
        .where(events.c.store_id == store_id)
        .group_by(events.c.type, events.c.customer_id)
        .subquery("counted")
    )
    stored = select(event_counters).where(event_counters.c.store_id == store_id).subquery("stored")
    same_counter = (stored.c.type == counted.c.type) & (stored.c.customer_id == counted.c.customer_id)
    differs = or_(*(stored.c[name].is_distinct_from(counted.c[name]) for name in ("count", "first_at", "last_at")))
    return union(
        select(counted.c.customer_id, counted.c.type)
        .select_from(counted.outerjoin(stored, same_counter))
        .where(differs),
        select(stored.c.customer_id, stored.c.type)
        .select_from(stored.outerjoin(counted, same_counter))
        .where(counted.c.type.is_(None)),
    )


async def mismatches(tx: Transaction, store_id: int) -> list[int]:
    """Return the customers whose counters are not what counting their events gives."""
    return sorted({row.customer_id for row in await tx.execute(mismatched(store_id))})
