"""Applies to orders what cancels, refunds or updates them, whether it comes in before the order or after it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import and_, bindparam, select, update

from domain.events.tables import events
from domain.events.types import ORDER_CANCELLED, ORDER_CHANGES, ORDER_REFUNDED
from domain.kit.db import AnyRow, Transaction
from domain.orders.model import STATES, is_counted, normalize_status, parse_amount
from domain.orders.tables import order_customers, order_items, orders

_BATCH = 5_000
_CANCELLED = "cancelled"


@dataclass(slots=True)
class _Outcome:
    """The states and the refund of an order after its changes; `refunded` is None where all of it was refunded."""

    states: dict[str, str] = field(default_factory=dict[str, str])
    refunded: Decimal | None = Decimal(0)

    def add(self, change: AnyRow) -> None:
        if change.type == ORDER_CANCELLED:
            self.states["status"] = _CANCELLED
        elif change.type == ORDER_REFUNDED:
            refund = change.attributes.get("amount")
            if refund is None or self.refunded is None:
                self.refunded = None
            else:
                self.refunded += parse_amount(refund)
        else:
            states = {name: change.attributes[name] for name in STATES if change.attributes.get(name)}
            self.states |= {name: normalize_status(state) for name, state in states.items()}

    def values(self, order: AnyRow) -> dict[str, object]:
        paid = order.total + order.refunded
        refunded = paid if self.refunded is None else min(paid, self.refunded)
        states = {name: self.states.get(name, getattr(order, name)) for name in STATES}
        counted = is_counted(str(states["status"]))
        return {**states, "counted": counted, "refunded": refunded, "total": paid - refunded}


async def apply_changes(tx: Transaction, store_id: int, order_ids: Iterable[str]) -> list[int]:
    """Bring orders to what all changes to them amount to. Return their customers, whose facts are to be recounted."""
    ordered_ids = sorted(set(order_ids))
    customer_ids: set[int] = set()
    for start in range(0, len(ordered_ids), _BATCH):
        batch = ordered_ids[start : start + _BATCH]
        changes = await tx.execute(
            select(events.c.type, events.c.subject, events.c.attributes)
            .where(events.c.store_id == store_id, events.c.type.in_(ORDER_CHANGES), events.c.subject.in_(batch))
            .order_by(events.c.occurred_at, events.c.id)
        )
        outcomes: dict[str, _Outcome] = {}
        for change in changes:
            outcomes.setdefault(change.subject, _Outcome()).add(change)
        if outcomes:
            customer_ids |= await _update_orders(tx, store_id, outcomes)
    return sorted(customer_ids)


async def _update_orders(tx: Transaction, store_id: int, outcomes: dict[str, _Outcome]) -> set[int]:
    stored = order_customers.c
    placed = (stored.store_id == store_id, stored.order_id.in_(list(outcomes)))
    # No order changes its customer meanwhile.
    await tx.execute(select(stored.order_id).where(*placed).order_by(stored.order_id).with_for_update())
    columns = (orders.c.id, orders.c.customer_id, orders.c.total, orders.c.refunded)
    is_order = and_(
        orders.c.store_id == store_id, orders.c.customer_id == stored.customer_id, orders.c.id == stored.order_id
    )
    statement = select(*columns, *(orders.c[name] for name in STATES)).join(order_customers, is_order).where(*placed)
    rows = list(await tx.execute(statement))
    if not rows:
        return set()
    names = (*STATES, "counted", "refunded", "total")
    parameters = [
        {
            "order": row.id,
            "customer": row.customer_id,
            **{f"new_{name}": value for name, value in outcomes[row.id].values(row).items()},
        }
        for row in rows
    ]
    update_order = (
        update(orders)
        .where(
            orders.c.store_id == store_id,
            orders.c.customer_id == bindparam("customer"),
            orders.c.id == bindparam("order"),
        )
        .values({name: bindparam(f"new_{name}") for name in names})
    )
    await tx.execute(update_order, parameters)
    # An item counts when its order does.
    update_items = (
        update(order_items)
        .where(
            order_items.c.store_id == store_id,
            order_items.c.customer_id == bindparam("customer"),
            order_items.c.order_id == bindparam("order"),
        )
        .values(counted=bindparam("new_counted"))
    )
    await tx.execute(update_items, parameters)
    return {row.customer_id for row in rows}
