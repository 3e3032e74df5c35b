"""Stores the page and the campaign of each customer's first visit: where they came from."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import select

from domain import changes
from domain.changes import ChangeKind
from domain.customers import writes
from domain.customers.tables import customer_origins
from domain.events.model import Event
from domain.kit.db import Transaction

VISIT = "visit"
_NEVER = datetime.max.replace(tzinfo=UTC)
_LENGTHS = {"landing_page": 500, "referrer": 500, "utm_source": 200, "utm_medium": 200, "utm_campaign": 200}


async def record_first_visits(tx: Transaction, store_id: int, events: Iterable[Event]) -> None:
    """Store the first visits among the events, but of customers who have an earlier one."""
    first_visits: dict[int, Event] = {}
    for event in events:
        if event.type == VISIT:
            first = first_visits.get(event.customer_id, event)
            first_visits[event.customer_id] = min(first, event, key=lambda visit: (visit.occurred_at, visit.id))
    if not first_visits:
        return
    origin = customer_origins.c
    stored = await tx.execute(
        select(origin.customer_id, origin.at).where(
            origin.store_id == store_id, origin.customer_id.in_(list(first_visits))
        )
    )
    stored_at = {row.customer_id: row.at for row in stored}
    earlier = {
        customer_id: visit
        for customer_id, visit in first_visits.items()
        if visit.occurred_at < stored_at.get(customer_id, _NEVER)
    }
    if not earlier:
        return
    rows: list[writes.Row] = []
    for customer_id, visit in earlier.items():
        # A visit without a landing page of its own began where it was.
        attributes = {"landing_page": visit.attributes.get("page"), **visit.attributes}
        values = {
            name: str(attributes[name])[:length] if attributes.get(name) else None for name, length in _LENGTHS.items()
        }
        rows.append({"store_id": store_id, "customer_id": customer_id, "at": visit.occurred_at, **values})
    await writes.put_origins(tx, rows)
    await changes.record_change(tx, store_id, ChangeKind.PROFILE, earlier)
