"""Finds the staged orders that come to more than an order may, or bring their customers' orders to more than they may.

Amounts are compared as doubles, which hold what 64 bits do not.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Double, Select, and_, case, cast, func, select, type_coerce

from domain.customers.tables import customer_facts, customers
from domain.imports.format import ImportKey
from domain.imports.tables import import_orders
from domain.kit.db import Transaction
from domain.kit.db.types import MONEY_SCALE
from domain.orders.model import MAX_AMOUNT, MAX_SPENT
from domain.orders.tables import orders

_staged = import_orders.c
_MOST = float(MAX_AMOUNT * MONEY_SCALE)
_MOST_SPENT = float(MAX_SPENT * MONEY_SCALE)


def _units(money: ColumnElement[Any]) -> ColumnElement[float]:
    return cast(type_coerce(money, BigInteger()), Double())


_of_items = _units(_staged.price) * _staged.quantity
# An order's total is what its rows say, or else what its items come to.
_total = func.coalesce(func.max(_units(_staged.total)), func.sum(_of_items), 0.0, type_=Double())


async def all_are_small(tx: Transaction, key: ImportKey) -> bool:
    """Return whether the file's orders are within the limits because all of them together are."""
    amount = case((_staged.total.is_(None), _of_items), else_=_units(_staged.total))
    together = await tx.scalar(select(func.sum(func.abs(amount))).where(key.matches(_staged)))
    facts = customer_facts.c
    spent = await tx.scalar(select(func.max(func.abs(_units(facts.total_spent)))).where(facts.store_id == key.store_id))
    return (together or 0.0) <= _MOST and (together or 0.0) + (spent or 0.0) <= _MOST_SPENT


def too_large(key: ImportKey) -> ColumnElement[bool]:
    """Return whether a staged row is of an order whose items come to more than an order may."""
    order_ids = select(_staged.order_id).where(key.matches(_staged)).group_by(_staged.order_id)
    return and_(key.matches(_staged), _staged.order_id.in_(order_ids.having(func.abs(_total) > _MOST)))


def overspent(key: ImportKey) -> ColumnElement[bool]:
    """Return whether a staged row is of an order that brings its customer's orders to more than they may come to.

    The customer's orders before it are those above it in the file, and those that the store has and the file has not.
    """
    staged = (
        select(
            _staged.customer_external_id,
            _staged.order_id,
            func.max(_staged.row).label("last_row"),
            func.abs(_total).label("amount"),
        )
        .where(key.matches(_staged))
        .group_by(_staged.customer_external_id, _staged.order_id)
        .subquery("staged")
    )
    before = _stored(key).subquery("before")
    running = func.sum(staged.c.amount).over(partition_by=staged.c.customer_external_id, order_by=staged.c.last_row)
    sums = (
        select(staged.c.order_id, (running + func.coalesce(before.c.amount, 0.0)).label("amount"))
        .select_from(staged.outerjoin(before, before.c.external_id == staged.c.customer_external_id))
        .subquery("sums")
    )
    return and_(key.matches(_staged), _staged.order_id.in_(select(sums.c.order_id).where(sums.c.amount > _MOST_SPENT)))


def _stored(key: ImportKey) -> Select[str, float]:
    """Select the external ids of customers, and what their orders come to that the file does not replace."""
    in_file = select(_staged.order_id).where(key.matches(_staged))
    is_customers = and_(orders.c.store_id == customers.c.store_id, orders.c.customer_id == customers.c.id)
    of_file = select(_staged.customer_external_id).where(key.matches(_staged))
    return (
        select(customers.c.external_id, func.sum(func.abs(_units(orders.c.total))).label("amount"))
        .join(orders, is_customers)
        .where(
            customers.c.store_id == key.store_id,
            customers.c.external_id.in_(of_file),
            orders.c.counted,
            orders.c.id.not_in(in_file),
        )
        .group_by(customers.c.external_id)
    )
