"""Counts orders again by the rules that hold now: a range of customers at a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, func, literal, null, or_, select, type_coerce, update

from domain import changes
from domain.changes import ChangeKind
from domain.customers import writes as customer_writes
from domain.events.tables import events
from domain.events.types import ORDER_CHANGES
from domain.kit.db import Transaction
from domain.kit.db.zones import local_time
from domain.orders import changes as order_changes
from domain.orders import facts, statuses, writes
from domain.orders.model import SaleRules
from domain.orders.tables import order_items, orders

# Whoever else writes orders waits for that many.
ORDERS_AT_ONCE = 5_000
_order = orders.c


@dataclass(frozen=True, slots=True)
class BuyerRange:
    """The orders of the customers after one and up to another."""

    store_id: int
    after: int
    until: int

    def has(self, columns: Any) -> ColumnElement[bool]:
        in_range = and_(columns.customer_id > self.after, columns.customer_id <= self.until)
        return and_(columns.store_id == self.store_id, in_range)


async def next_range(tx: Transaction, store_id: int, after: int) -> BuyerRange | None:
    """Return the next range of about `ORDERS_AT_ONCE` orders, None when none is left."""
    rest = select(_order.customer_id).where(_order.store_id == store_id, _order.customer_id > after)
    until = await tx.scalar(rest.order_by(_order.customer_id).offset(ORDERS_AT_ONCE - 1).limit(1))
    if until is None:
        until = await tx.scalar(select(func.max(rest.subquery().c.customer_id)))
    return None if until is None else BuyerRange(store_id, after, until)


async def recount(tx: Transaction, customers: BuyerRange, now: datetime) -> None:
    """Bring the range's orders, their items and what is counted of them to the rules."""
    store_id = customers.store_id
    await customer_writes.take_numbers(tx, store_id, 0)
    rules = await statuses.rules(tx, store_id)
    customer_ids_by_order = await _update_orders(tx, customers, rules, now)
    customer_ids = set(customer_ids_by_order.values())
    refunded = await _with_changes(tx, customers, rules) if customer_ids_by_order else set[str]()
    await order_changes.apply_changes(tx, store_id, refunded & customer_ids_by_order.keys(), rules)
    await writes.update_items(tx, store_id, customers.has(_order), customers.has(order_items.c))
    await facts.recount_ids(tx, store_id, customer_ids)
    await changes.record_change(tx, store_id, ChangeKind.ORDERS, customer_ids)


async def _update_orders(tx: Transaction, customers: BuyerRange, rules: SaleRules, now: datetime) -> dict[str, int]:
    """Bring the orders to the rules. Return those that changed, each with its customer."""
    in_range = customers.has(_order)
    words = await statuses.words_of(tx, orders, _order.status, _order.payment_status, in_range)
    own = or_(_order.currency.is_(None), _order.currency == rules.currency)
    # Refunds are subtracted again, once it is the store's money.
    paid = func.coalesce(_order.total + _order.refunded, _order.foreign_total)
    kept = case((_order.total.is_not(None), _order.total), else_=_order.foreign_total)
    amount = func.coalesce(_order.total, _order.foreign_total)
    when = local_time(_order.placed_at, rules.timezone, tx.dialect)
    values: dict[str, ColumnElement[Any]] = {
        "counted": statuses.is_counted(rules, words, _order.status, _order.payment_status, amount, _order.quantity),
        "total": case((own, kept), else_=null()),
        "foreign_total": case((own, null()), else_=paid),
        "refunded": case((own, _order.refunded), else_=type_coerce(literal(0), BigInteger())),
        "weekday": when.weekday,
        "month_day": when.month_day,
        "hour": when.hour,
    }
    differs = or_(*(_order[name].is_distinct_from(value) for name, value in values.items()))
    statement = update(orders).where(in_range, differs).values(values | {"updated_at": now})
    rows = await tx.execute(statement.returning(_order.id, _order.customer_id))
    return {row.id: row.customer_id for row in rows}


async def _with_changes(tx: Transaction, customers: BuyerRange, rules: SaleRules) -> set[str]:
    """Return the orders that say the store's currency, and that were cancelled, refunded or updated."""
    own = select(_order.id).where(customers.has(_order), _order.currency == rules.currency)
    subjects = select(events.c.subject).where(
        events.c.store_id == customers.store_id, events.c.type.in_(ORDER_CHANGES), events.c.subject.in_(own)
    )
    return set((await tx.execute(subjects)).scalars())
