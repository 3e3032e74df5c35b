"""Applies to orders what cancels, refunds or updates them, whether it comes in before the order or after it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Boolean, and_, bindparam, select, update

from domain.events.tables import events
from domain.events.types import ORDER_CANCELLED, ORDER_CHANGES, ORDER_REFUNDED
from domain.kit.db import AnyRow, Transaction
from domain.orders.model import STATES, SaleRules, normalize_status, parse_amount
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
            for name in STATES:
                state = normalize_status(str(change.attributes.get(name) or ""))
                if state is not None:
                    self.states[name] = state

    def values(self, order: AnyRow, rules: SaleRules) -> dict[str, object]:
        states = {name: self.states.get(name, getattr(order, name)) for name in STATES}
        if "status" not in self.states and order.status == order.payment_status:
            # It has no status of its own.
            states["status"] = states["payment_status"]
        if order.total is None:
            # What is refunded in another currency is not the store's money either.
            amount, refunded = order.foreign_total, Decimal(0)
        else:
            paid = order.total + order.refunded
            refunded = paid if self.refunded is None else min(paid, self.refunded)
            # A return has nothing to refund.
            refunded = max(refunded, Decimal(0))
            amount = paid - refunded
        counted = rules.is_counted(str(states["status"]), states["payment_status"], amount, order.quantity)
        total = None if order.total is None else amount
        return {**states, "counted": counted, "refunded": refunded, "total": total}


async def apply_changes(tx: Transaction, store_id: int, order_ids: Iterable[str], rules: SaleRules) -> list[int]:
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
            customer_ids |= await _update_orders(tx, store_id, outcomes, rules)
    return sorted(customer_ids)


async def _update_orders(tx: Transaction, store_id: int, outcomes: dict[str, _Outcome], rules: SaleRules) -> set[int]:
    stored = order_customers.c
    placed = (stored.store_id == store_id, stored.order_id.in_(list(outcomes)))
    # No order changes its customer meanwhile.
    await tx.execute(select(stored.order_id).where(*placed).order_by(stored.order_id).with_for_update())
    names_read = ("id", "customer_id", "total", "foreign_total", "refunded", "quantity", *STATES)
    is_order = and_(
        orders.c.store_id == store_id, orders.c.customer_id == stored.customer_id, orders.c.id == stored.order_id
    )
    statement = select(*(orders.c[name] for name in names_read)).join(order_customers, is_order).where(*placed)
    rows = list(await tx.execute(statement))
    if not rows:
        return set()
    names = (*STATES, "counted", "refunded", "total")
    parameters = [
        {
            "order": row.id,
            "customer": row.customer_id,
            **{f"new_{name}": value for name, value in outcomes[row.id].values(row, rules).items()},
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
    # An item counts when its order does, unless it is taken back.
    update_items = (
        update(order_items)
        .where(
            order_items.c.store_id == store_id,
            order_items.c.customer_id == bindparam("customer"),
            order_items.c.order_id == bindparam("order"),
        )
        .values(counted=and_(bindparam("new_counted", type_=Boolean()), order_items.c.quantity >= 0))
    )
    await tx.execute(update_items, parameters)
    return {row.customer_id for row in rows}
