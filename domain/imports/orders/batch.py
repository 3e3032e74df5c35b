"""Writes a batch of rows: orders that are plainly new go straight into their tables, the others are staged."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import exists, select

from domain import changes
from domain.changes import ChangeKind
from domain.customers import identity
from domain.customers import writes as customer_writes
from domain.events.tables import events
from domain.events.types import ORDER_CHANGES
from domain.imports import copy
from domain.imports.format import DirectRows, ImportKey, WrittenRows
from domain.imports.orders import additions, notices
from domain.imports.orders.additions import NewOrder, OrderRules
from domain.imports.orders.rows import STAGED
from domain.imports.orders.scattered import ScatteredOrders
from domain.imports.tables import import_order_rows
from domain.ingestion import favourite_counts
from domain.kit.db import Transaction
from domain.kit.db.portable import values_of
from domain.kit.db.types import MONEY_SCALE
from domain.orders import facts, statuses, writes

_ORDER_ID = STAGED.index("order_id")
Row = tuple[Any, ...]


async def write(tx: Transaction, key: ImportKey, direct: DirectRows, now: datetime) -> WrittenRows:
    """Write the orders that are whole, right and new, of customers who are known. The rows of all others are staged."""
    scattered = direct.scan
    assert isinstance(scattered, ScatteredOrders)
    store_id = key.store_id
    # Whoever else writes orders, adds customers or erases them waits.
    await customer_writes.take_numbers(tx, store_id, 0)
    rules = await statuses.rules(tx, store_id)
    rows_by_order: dict[str, list[Row]] = {}
    for row in direct.staged.rows:
        rows_by_order.setdefault(row[_ORDER_ID], []).append(row)
    order_of = OrderRules(rules, tx.dialect).order_of
    whole = (order_of(order_id, rows) for order_id, rows in rows_by_order.items() if order_id not in scattered)
    known = await _of_known_customers(tx, store_id, [order for order in whole if order is not None])
    unchanged = await _without_changed(tx, store_id, known)
    claimed = await writes.claim(tx, store_id, {order.id: order.customer_id for order in unchanged})
    new_orders = [order for order in unchanged if order.id in claimed]
    await additions.add(tx, store_id, new_orders, now)
    counted = _buyers(order for order in new_orders if order.counted)
    await facts.recount_without_favourites(tx, store_id, counted)
    await _record_changes(tx, store_id, new_orders, now)
    others = [row for order_id, rows in rows_by_order.items() if order_id not in claimed for row in rows]
    await copy.put(tx, import_order_rows, STAGED, others)
    carried = {
        "noticed": notices.with_new(direct.carried.get("noticed", {}), new_orders, rules),
        "uncounted": favourite_counts.with_buyers(direct.carried.get("uncounted", ""), counted),
    }
    return WrittenRows(carried, staged=len(others))


async def _of_known_customers(tx: Transaction, store_id: int, new_orders: Sequence[NewOrder]) -> list[NewOrder]:
    """Return the orders of customers whom the store has, each with its customer; none where one may come to too much.

    Which of a customer's orders are too many is found when all of them are there.
    """
    named = list({order.customer: None for order in new_orders})
    customer_ids = dict(zip(named, await identity.find(tx, store_id, named), strict=True))
    known: list[NewOrder] = []
    for order in new_orders:
        customer_id = customer_ids[order.customer]
        if customer_id is not None:
            order.customer_id = customer_id
            known.append(order)
    together = Decimal(sum(abs(order.amount) for order in known)) / MONEY_SCALE
    buyers = _buyers(known)
    return [] if buyers and await facts.may_overspend(tx, store_id, buyers, together) else known


async def _without_changed(tx: Transaction, store_id: int, new_orders: list[NewOrder]) -> list[NewOrder]:
    """Return the orders of which no event has said already that they were cancelled, refunded or updated."""
    is_change = (events.c.store_id == store_id, events.c.type.in_(ORDER_CHANGES))
    if not new_orders or not await tx.scalar(select(exists().where(*is_change))):
        return new_orders
    ids = values_of([order.id for order in new_orders], tx.dialect)
    subjects = select(events.c.subject).where(*is_change, events.c.subject.in_(select(ids)))
    changed = set((await tx.execute(subjects)).scalars())
    return [order for order in new_orders if order.id not in changed]


async def _record_changes(tx: Transaction, store_id: int, new_orders: Sequence[NewOrder], now: datetime) -> None:
    await changes.record_change(tx, store_id, ChangeKind.ORDERS, _buyers(new_orders), near=favourite_counts.NEAR)
    ahead = [(order.customer_id, order.moment.placed_at) for order in new_orders if order.moment.placed_at > now]
    await changes.record_future_change(tx, store_id, ChangeKind.ORDERS, ahead)


def _buyers(new_orders: Iterable[NewOrder]) -> list[int]:
    return sorted({order.customer_id for order in new_orders})
