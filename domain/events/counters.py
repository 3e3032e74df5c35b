"""Whether the tallies are what a count of the history gives."""

from sqlalchemy import func, or_, select, union

from domain.events.tables import event_counters, events
from domain.kit.db import Transaction


async def mismatches(tx: Transaction, store_id: int) -> list[int]:
    """Customers of whom the tallies say something else than their events."""
    own = events.c.store_id == store_id
    counted = (
        select(
            events.c.type,
            events.c.customer_id,
            func.count().label("count"),
            func.min(events.c.occurred_at).label("first_at"),
            func.max(events.c.occurred_at).label("last_at"),
        )
        .where(own)
        .group_by(events.c.type, events.c.customer_id)
        .subquery("counted")
    )
    kept = select(event_counters).where(event_counters.c.store_id == store_id).subquery("kept")
    same = (kept.c.type == counted.c.type) & (kept.c.customer_id == counted.c.customer_id)
    differs = or_(*(kept.c[name].is_distinct_from(counted.c[name]) for name in ("count", "first_at", "last_at")))
    wrong = union(
        select(counted.c.customer_id).select_from(counted.outerjoin(kept, same)).where(differs),
        select(kept.c.customer_id).select_from(kept.outerjoin(counted, same)).where(counted.c.type.is_(None)),
    )
    return sorted((await tx.execute(wrong)).scalars())
