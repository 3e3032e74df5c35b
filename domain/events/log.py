"""Appends to the log of events, and to their counters in the same transaction."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, case, cast, exists, func, insert, literal, select

from domain import changes
from domain.changes import ChangeKind
from domain.events.model import Event
from domain.events.tables import event_counters, event_customers, events
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into

EventSelect = Select[*tuple[Any, ...]]
_BATCH = 10_000
_EVENT_COLUMNS = ("store_id", "id", "customer_id", "type", "occurred_at", "subject", "attributes", "received_at")
_COUNTER_COLUMNS = ("store_id", "type", "customer_id", "count", "first_at", "last_at")


async def append(tx: Transaction, store_id: int, new_events: Sequence[Event], now: datetime) -> None:
    """Append events whose ids the store does not have yet."""
    await changes.record_change(tx, store_id, ChangeKind.EVENTS, (event.customer_id for event in new_events))
    due_times = ((event.customer_id, event.occurred_at) for event in new_events if event.occurred_at > now)
    await changes.record_future_change(tx, store_id, ChangeKind.EVENTS, due_times)
    for start in range(0, len(new_events), _BATCH):
        batch = new_events[start : start + _BATCH]
        id_rows = [{"store_id": store_id, "event_id": event.id, "customer_id": event.customer_id} for event in batch]
        await tx.execute(insert(event_customers), id_rows)
        rows: list[dict[str, object]] = [
            {
                "store_id": store_id,
                "id": event.id,
                "customer_id": event.customer_id,
                "type": event.type,
                "occurred_at": event.occurred_at,
                "subject": event.subject,
                "attributes": dict(event.attributes),
                "received_at": now,
            }
            for event in batch
        ]
        await tx.execute(insert(events), rows)
        await tx.execute(_adding(insert_into(event_counters, tx.dialect)), _counted(store_id, batch))


def _counted(store_id: int, new_events: Sequence[Event]) -> list[dict[str, object]]:
    """Return the counters of these events alone, in the order of their keys: writers who meet wait for one another."""
    times: dict[tuple[str, int], list[datetime]] = defaultdict(list)
    for event in new_events:
        times[event.type, event.customer_id].append(event.occurred_at)
    return [
        {
            "store_id": store_id,
            "type": event_type,
            "customer_id": customer_id,
            "count": len(moments),
            "first_at": min(moments),
            "last_at": max(moments),
        }
        for (event_type, customer_id), moments in sorted(times.items())
    ]


async def append_for(tx: Transaction, store_id: int, event_type: str, customers: EventSelect, now: datetime) -> int:
    """Append an event of now for each row of a select of customer ids and subjects. Return their number."""
    customer_id, subject = customers.subquery().c
    # Every statement that reads the select gives its rows the same ids.
    number = func.row_number().over(partition_by=customer_id, order_by=subject)
    event_id = literal(f"{ids.new()}.") + cast(customer_id, String) + "." + cast(number, String)
    return await _append_select(tx, store_id, event_type, select(event_id.label("id"), customer_id, subject), now)


async def append_once(tx: Transaction, store_id: int, event_type: str, selected: EventSelect, now: datetime) -> int:
    """Append an event of now for each row of a select of ids, customer ids and subjects. Return the number of new ones.

    An event that the store has under its id stays as it is.
    """
    rows = selected.subquery()
    stored = event_customers.c
    known = exists().where(stored.store_id == store_id, stored.event_id == rows.c[0])
    return await _append_select(tx, store_id, event_type, select(rows).where(~known), now)


async def _append_select(tx: Transaction, store_id: int, event_type: str, selected: EventSelect, now: datetime) -> int:
    event_id, customer_id, subject = selected.subquery().c
    instant: Any = literal(now, events.c.occurred_at.type)
    await changes.record_change(tx, store_id, ChangeKind.EVENTS, select(customer_id))
    # The counters before the rows, and the ids last: the select may read the log itself, and which ids it has.
    occurrences = select(literal(event_type).label("type"), customer_id, instant.label("occurred_at"))
    await add_to_counters(tx, store_id, occurrences)
    rows = select(
        literal(store_id),
        event_id,
        customer_id,
        literal(event_type),
        instant,
        subject,
        literal({}, events.c.attributes.type),
        instant,
    )
    appended: int = (await tx.execute(insert(events).from_select(list(_EVENT_COLUMNS), rows))).rowcount
    ids_of_rows = select(literal(store_id), event_id, customer_id)
    await tx.execute(insert(event_customers).from_select(event_customers.c.keys(), ids_of_rows))
    return appended


async def add_to_counters(tx: Transaction, store_id: int, occurrences: EventSelect) -> None:
    """Add to the counters the rows of a select of types, customer ids and instants.

    No event is ever changed or deleted, so that adding up keeps the counters right.
    """
    event_type, customer_id, occurred_at = occurrences.subquery("new").c
    rows = (
        select(literal(store_id), event_type, customer_id, func.count(), func.min(occurred_at), func.max(occurred_at))
        .where(customer_id.is_not(None))
        .group_by(event_type, customer_id)
    )
    await tx.execute(_adding(insert_into(event_counters, tx.dialect).from_select(list(_COUNTER_COLUMNS), rows)))


def _adding(statement: Any) -> Any:
    """Return the INSERT of counters as one that adds to those that the store has."""
    stored, new = event_counters.c, statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["store_id", "type", "customer_id"],
        set_={
            "count": stored.count + new.count,
            "first_at": case((new.first_at < stored.first_at, new.first_at), else_=stored.first_at),
            "last_at": case((new.last_at > stored.last_at, new.last_at), else_=stored.last_at),
        },
    )
