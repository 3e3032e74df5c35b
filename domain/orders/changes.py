"""Orders that are cancelled, refunded or changed after they were placed, whichever of the two comes in first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import bindparam, select, update

from domain.events.tables import events
from domain.events.types import ORDER_CANCELLED, ORDER_CHANGES, ORDER_REFUNDED
from domain.kit.db import AnyRow, Transaction
from domain.orders.model import is_counted, normalize_status, parse_amount
from domain.orders.tables import order_items, orders

_AT_ONCE = 5_000
_CANCELLED = "cancelled"
_STATES = ("status", "payment_status", "delivery_status")


@dataclass(slots=True)
class _Changed:
    """What became of an order; `refunded` is None where all of it was given back."""

    states: dict[str, str] = field(default_factory=dict[str, str])
    refunded: Decimal | None = Decimal(0)

    def note(self, change: AnyRow) -> None:
        if change.type == ORDER_CANCELLED:
            self.states["status"] = _CANCELLED
        elif change.type == ORDER_REFUNDED:
            given = change.attributes.get("amount")
            whole = given is None or self.refunded is None
            self.refunded = None if whole else (self.refunded or Decimal(0)) + parse_amount(given)
        else:
            said = {name: change.attributes[name] for name in _STATES if change.attributes.get(name)}
            self.states |= {name: normalize_status(value) for name, value in said.items()}


async def apply_changes(tx: Transaction, store_id: int, order_ids: Iterable[str]) -> list[int]:
    """Bring orders to what the changes to them say together; whose they are, so that their facts are counted again."""
    wanted = sorted(set(order_ids))
    whose: set[int] = set()
    for at in range(0, len(wanted), _AT_ONCE):
        part = wanted[at : at + _AT_ONCE]
        changed = await _changes(tx, store_id, part)
        if changed:
            whose |= await _apply(tx, store_id, changed)
    return sorted(whose)


async def _changes(tx: Transaction, store_id: int, order_ids: Sequence[str]) -> dict[str, _Changed]:
    named = (events.c.store_id == store_id, events.c.type.in_(ORDER_CHANGES), events.c.subject.in_(order_ids))
    rows = await tx.execute(
        select(events.c.type, events.c.subject, events.c.attributes)
        .where(*named)
        .order_by(events.c.occurred_at, events.c.id)
    )
    found: dict[str, _Changed] = {}
    for row in rows:
        found.setdefault(row.subject, _Changed()).note(row)
    return found


async def _apply(tx: Transaction, store_id: int, changed: dict[str, _Changed]) -> set[int]:
    rows = await tx.execute(
        select(
            orders.c.id,
            orders.c.customer_id,
            orders.c.total,
            orders.c.refunded,
            *(orders.c[name] for name in _STATES),
        ).where(orders.c.store_id == store_id, orders.c.id.in_(list(changed)))
    )
    had = list(rows)
    if not had:
        return set()
    given = [_values(row, changed[row.id]) for row in had]
    own = (orders.c.store_id == store_id, orders.c.id == bindparam("order"))
    names = (*_STATES, "counted", "refunded", "total")
    await tx.execute(update(orders).where(*own).values({name: bindparam(f"new_{name}") for name in names}), given)
    await _items_count(tx, store_id, [row.id for row in had])
    return {row.customer_id for row in had}


def _values(row: AnyRow, changed: _Changed) -> dict[str, object]:
    paid = row.total + row.refunded
    refunded = paid if changed.refunded is None else min(paid, changed.refunded)
    states = {name: changed.states.get(name, getattr(row, name)) for name in _STATES}
    values = {**states, "counted": is_counted(str(states["status"])), "refunded": refunded, "total": paid - refunded}
    return {"order": row.id, **{f"new_{name}": value for name, value in values.items()}}


async def _items_count(tx: Transaction, store_id: int, order_ids: Sequence[str]) -> None:
    """An item counts when its order does."""
    order = select(orders.c.counted).where(orders.c.store_id == store_id, orders.c.id == order_items.c.order_id)
    own = (order_items.c.store_id == store_id, order_items.c.order_id.in_(order_ids))
    await tx.execute(update(order_items).where(*own).values(counted=order.scalar_subquery()))
