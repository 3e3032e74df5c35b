"""Finds a file's orders that come to more than an order may, or bring their customers' to more than they may.

Amounts are compared as doubles, which hold what 64 bits do not.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Double, Select, and_, cast, func, select, type_coerce

from domain.customers.tables import customer_facts
from domain.imports.format import ImportKey
from domain.imports.tables import import_orders
from domain.kit.db import Transaction
from domain.kit.db.types import MONEY_SCALE
from domain.orders.model import MAX_AMOUNT, MAX_SPENT
from domain.orders.tables import orders

_order = import_orders.c
_MOST = float(MAX_AMOUNT * MONEY_SCALE)
_MOST_SPENT = float(MAX_SPENT * MONEY_SCALE)


def units(money: ColumnElement[Any]) -> ColumnElement[float]:
    """Return an amount in ten-thousandths."""
    return cast(type_coerce(money, BigInteger()), Double())


# An order's total is what its rows say, or else what its items come to.
_total = func.coalesce(units(_order.total), _order.amount, 0.0, type_=Double())


async def all_are_small(tx: Transaction, key: ImportKey) -> bool:
    """Return whether the file's orders are within the limits because all of them together are."""
    together = await tx.scalar(select(func.sum(func.abs(_total))).where(key.matches(_order)))
    facts = customer_facts.c
    spent = await tx.scalar(select(func.max(func.abs(units(facts.total_spent)))).where(facts.store_id == key.store_id))
    return (together or 0.0) <= _MOST and (together or 0.0) + (spent or 0.0) <= _MOST_SPENT


def too_large() -> ColumnElement[bool]:
    """Return whether the items of an order come to more than an order may."""
    return func.abs(_total) > _MOST


def overspent(key: ImportKey) -> ColumnElement[bool]:
    """Return whether an order brings its customer's orders to more than they may come to.

    The customer's orders before it are those above it in the file, and those that the store has and the file has not.
    """
    before = _stored(key).subquery("before")
    running = func.sum(func.abs(_total)).over(partition_by=_order.customer_id, order_by=_order.last_row)
    sums = (
        select(_order.order_id, (running + func.coalesce(before.c.amount, 0.0)).label("amount"))
        .select_from(import_orders.outerjoin(before, before.c.customer_id == _order.customer_id))
        .where(key.matches(_order))
        .subquery("sums")
    )
    return _order.order_id.in_(select(sums.c.order_id).where(sums.c.amount > _MOST_SPENT))


def _stored(key: ImportKey) -> Select[int, float]:
    """Select customers, and what their orders come to that the file does not replace."""
    in_file = select(_order.order_id).where(key.matches(_order))
    of_file = select(_order.customer_id).where(key.matches(_order))
    is_other = and_(orders.c.store_id == key.store_id, orders.c.customer_id.in_(of_file), orders.c.id.not_in(in_file))
    return (
        select(orders.c.customer_id, func.sum(func.abs(units(orders.c.total))).label("amount"))
        .where(is_other, orders.c.counted)
        .group_by(orders.c.customer_id)
    )
