"""Adds to the history, and to the tallies in the same transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, exists, func, insert, literal, select

from domain import changes
from domain.changes import ChangeKind
from domain.events.model import Event
from domain.events.tables import event_counters, events
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into, random_id

Found = Select[*tuple[Any, ...]]
_AT_ONCE = 10_000
_KEPT = ("store_id", "id", "customer_id", "type", "occurred_at", "subject", "attributes", "received_at")
_TALLY = ("store_id", "type", "customer_id", "count", "first_at", "last_at")


async def append(tx: Transaction, store_id: int, entries: Sequence[Event], now: datetime) -> None:
    """What happened, under ids that the store does not have yet."""
    await changes.record_change(tx, store_id, ChangeKind.EVENTS, (entry.customer_id for entry in entries))
    ahead = ((entry.customer_id, entry.occurred_at) for entry in entries if entry.occurred_at > now)
    await changes.record_future_change(tx, store_id, ChangeKind.EVENTS, ahead)
    for at in range(0, len(entries), _AT_ONCE):
        part = entries[at : at + _AT_ONCE]
        await tx.execute(insert(events), [_row(store_id, entry, now) for entry in part])
        own = (events.c.store_id == store_id, events.c.id.in_([entry.id for entry in part]))
        await add_to_counters(
            tx, store_id, select(events.c.type, events.c.customer_id, events.c.occurred_at).where(*own)
        )


async def append_for(tx: Transaction, store_id: int, kind: str, found: Found, now: datetime) -> int:
    """The same happened now to all whom a select of customer ids and subjects finds; how many they are."""
    who = found.subquery()
    given = select(random_id(tx.dialect).label("id"), *who.c)
    return await _append_found(tx, store_id, kind, given, now)


async def append_once(tx: Transaction, store_id: int, kind: str, found: Found, now: datetime) -> int:
    """The same for a select of ids, customer ids and subjects: what is there under its id already stays as it is."""
    given = found.subquery()
    known = exists().where(events.c.store_id == store_id, events.c.id == given.c[0])
    return await _append_found(tx, store_id, kind, select(given).where(~known), now)


async def _append_found(tx: Transaction, store_id: int, kind: str, found: Found, now: datetime) -> int:
    given = found.subquery()
    own_id, customer_id, subject = given.c
    await changes.record_change(tx, store_id, ChangeKind.EVENTS, select(customer_id))
    # The tallies before the rows: what finds those may look at the history itself.
    await add_to_counters(tx, store_id, select(literal(kind).label("type"), customer_id, _at(now).label("occurred_at")))
    rows = select(
        literal(store_id),
        own_id,
        customer_id,
        literal(kind),
        _at(now),
        subject,
        literal({}, events.c.attributes.type),
        _at(now),
    )
    added: int = (await tx.execute(insert(events).from_select(list(_KEPT), rows))).rowcount
    return added


def _at(now: datetime) -> Any:
    return literal(now, events.c.occurred_at.type)


def _row(store_id: int, entry: Event, now: datetime) -> dict[str, object]:
    return {
        "store_id": store_id,
        "id": entry.id,
        "customer_id": entry.customer_id,
        "type": entry.type,
        "occurred_at": entry.occurred_at,
        "subject": entry.subject,
        "attributes": dict(entry.attributes),
        "received_at": now,
    }


async def add_to_counters(tx: Transaction, store_id: int, happened: Found) -> None:
    """Add to the tallies what a select of types, customers and moments finds.

    Nothing of the history is ever changed or taken away, so that adding up keeps them right.
    """
    new = happened.subquery("new")
    kind, customer_id, at = new.c
    rows = (
        select(literal(store_id), kind, customer_id, func.count(), func.min(at), func.max(at))
        .where(customer_id.is_not(None))
        .group_by(kind, customer_id)
    )
    statement = insert_into(event_counters, tx.dialect).from_select(list(_TALLY), rows)
    had, given = event_counters.c, statement.excluded
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["store_id", "type", "customer_id"],
            set_={
                "count": had.count + given.count,
                "first_at": case((given.first_at < had.first_at, given.first_at), else_=had.first_at),
                "last_at": case((given.last_at > had.last_at, given.last_at), else_=had.last_at),
            },
        )
    )
