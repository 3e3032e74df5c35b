"""Erases the events of a customer, but for what the figures of orders rest on."""

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from domain.events.tables import event_counters, event_customers, events
from domain.events.types import ORDER_CHANGES
from domain.kit import ids
from domain.kit.db import Transaction

# Of what changes an order: its amount and its states are the store's figures.
_FIGURES = ("amount", "status", "payment_status", "delivery_status")
_event = events.c


async def delete_batch(tx: Transaction, store_id: int, customer_id: int, limit: int) -> int:
    """Delete up to `limit` events, but no changes of orders; return how many. The counters count what is left."""
    of_customer = _of_customer(store_id, customer_id)
    batch = select(_event.id).where(*of_customer, _event.type.not_in(ORDER_CHANGES))
    event_ids = list((await tx.execute(batch.order_by(_event.occurred_at, _event.id).limit(limit))).scalars())
    if event_ids:
        is_id = (event_customers.c.store_id == store_id, event_customers.c.event_id.in_(event_ids))
        await tx.execute(delete(event_customers).where(*is_id))
        await tx.execute(delete(events).where(*of_customer, _event.id.in_(event_ids)))
    await _recount(tx, store_id, customer_id)
    return len(event_ids)


async def reduce_order_changes(
    tx: Transaction, store_id: int, customer_id: int, texts: Collection[str], renamed: Mapping[str, str]
) -> None:
    """Leave of changes of orders what figures rest on, and replace ids that hold a text, and the orders' old ids.

    `texts` are in lower case.
    """
    of_customer = _of_customer(store_id, customer_id)
    columns = _event.id, _event.occurred_at, _event.attributes
    changes = await tx.execute(select(*columns).where(*of_customer, _event.type.in_(ORDER_CHANGES)))
    for change in changes.all():
        event_id = str(ids.new()) if any(text in change.id.lower() for text in texts) else change.id
        figures = {name: change.attributes[name] for name in _FIGURES if name in change.attributes}
        is_change = (*of_customer, _event.occurred_at == change.occurred_at, _event.id == change.id)
        await tx.execute(update(events).where(*is_change).values(id=event_id, attributes=figures))
        stored = event_customers.c
        is_id = (stored.store_id == store_id, stored.event_id == change.id)
        await tx.execute(update(event_customers).where(*is_id).values(event_id=event_id))
    for old_id, new_id in renamed.items():
        # Whoever's changes they are: an order's figures follow from all of them.
        is_about = (_event.store_id == store_id, _event.type.in_(ORDER_CHANGES), _event.subject == old_id)
        await tx.execute(update(events).where(*is_about).values(subject=new_id))


async def _recount(tx: Transaction, store_id: int, customer_id: int) -> None:
    counter = event_counters.c
    await tx.execute(delete(event_counters).where(counter.store_id == store_id, counter.customer_id == customer_id))
    counted = (
        select(
            _event.store_id,
            _event.type,
            _event.customer_id,
            func.count(),
            func.min(_event.occurred_at),
            func.max(_event.occurred_at),
        )
        .where(*_of_customer(store_id, customer_id))
        .group_by(_event.store_id, _event.type, _event.customer_id)
    )
    names = ["store_id", "type", "customer_id", "count", "first_at", "last_at"]
    await tx.execute(insert(event_counters).from_select(names, counted))


def _of_customer(store_id: int, customer_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _event.store_id == store_id, _event.customer_id == customer_id
