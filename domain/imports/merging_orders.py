"""Makes orders of staged rows, and counts them for their customers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, and_, cast, delete, func, insert, literal, select

from domain.customers.tables import customers
from domain.db import Transaction
from domain.db.portable import insert_into
from domain.events import facts
from domain.events.tables import order_items, orders
from domain.imports.tables import import_orders

SOURCE = "import"
ROWS_AT_ONCE = 20_000
_staged = import_orders.c
_ITEM = ("product", "name", "category", "brand", "quantity", "price")


@dataclass(frozen=True, slots=True)
class Stretch:
    """The rows of the customers after one external id and up to another."""

    store_id: int
    operation_id: UUID
    after: str
    until: str

    def rows(self) -> ColumnElement[bool]:
        return and_(
            _staged.store_id == self.store_id,
            _staged.operation_id == self.operation_id,
            _staged.customer_external_id > self.after,
            _staged.customer_external_id <= self.until,
        )


async def next_stretch(tx: Transaction, store_id: int, operation_id: UUID, after: str) -> Stretch | None:
    behind = (
        select(_staged.customer_external_id)
        .where(
            _staged.store_id == store_id,
            _staged.operation_id == operation_id,
            _staged.customer_external_id > after,
        )
        .order_by(_staged.customer_external_id)
    )
    until = await tx.scalar(behind.offset(ROWS_AT_ONCE - 1).limit(1))
    if until is None:
        rest = behind.subquery()
        until = await tx.scalar(select(func.max(rest.c.customer_external_id)))
    return None if until is None else Stretch(store_id, operation_id, after, until)


async def merge(tx: Transaction, stretch: Stretch, now: datetime) -> int:
    """How many rows it took."""
    left = await _customers_left(tx, stretch)
    await tx.execute(delete(order_items).where(_ours(order_items.c, "order_id", stretch)))
    await _put_orders(tx, stretch, now)
    await _put_items(tx, stretch)
    await facts.recount(tx, stretch.store_id, _customers(stretch))
    await facts.recount_ids(tx, stretch.store_id, left)
    taken: int = await tx.scalar(select(func.count()).select_from(import_orders).where(stretch.rows()))
    return taken


def _ours(columns: Any, key: str, stretch: Stretch) -> ColumnElement[bool]:
    named = select(_staged.order_id).where(stretch.rows())
    return and_(columns.store_id == stretch.store_id, columns[key].in_(named))


def _whose(stretch: Stretch) -> ColumnElement[bool]:
    return and_(customers.c.store_id == stretch.store_id, customers.c.external_id == _staged.customer_external_id)


def _customers(stretch: Stretch) -> Select[Any]:
    named = select(_staged.customer_external_id).where(stretch.rows())
    return select(customers.c.id).where(customers.c.store_id == stretch.store_id, customers.c.external_id.in_(named))


async def _customers_left(tx: Transaction, stretch: Stretch) -> list[int]:
    """Whose these orders were, where they become another's."""
    moved = orders.c.customer_id.not_in(_customers(stretch))
    rows = await tx.execute(select(orders.c.customer_id).distinct().where(_ours(orders.c, "id", stretch), moved))
    return list(rows.scalars())


def _heads(stretch: Stretch) -> Subquery:
    """One row an order: its last, with the sum of its items."""
    price = cast(_staged.price, BigInteger)
    return (
        select(
            func.max(_staged.row).label("row"),
            func.max(cast(_staged.total, BigInteger)).label("given"),
            func.sum(func.round(price * _staged.quantity)).label("summed"),
        )
        .where(stretch.rows())
        .group_by(_staged.order_id)
        .subquery("heads")
    )


async def _put_orders(tx: Transaction, stretch: Stretch, now: datetime) -> None:
    heads = _heads(stretch)
    total = cast(func.coalesce(heads.c.given, heads.c.summed, 0), BigInteger)
    rows = (
        select(
            literal(stretch.store_id),
            _staged.order_id,
            customers.c.id,
            _staged.placed_at,
            _staged.status,
            _staged.counted,
            total,
            literal(SOURCE),
            literal(now, orders.c.updated_at.type),
        )
        .select_from(import_orders.join(heads, _staged.row == heads.c.row).join(customers, _whose(stretch)))
        .where(stretch.rows())
    )
    names = ["store_id", "id", "customer_id", "placed_at", "status", "counted", "total", "source", "updated_at"]
    statement = insert_into(orders, tx.dialect).from_select(names, rows)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["store_id", "id"], set_={name: statement.excluded[name] for name in names[2:]}
        )
    )


async def _put_items(tx: Transaction, stretch: Stretch) -> None:
    order = orders.c
    place = func.row_number().over(partition_by=_staged.order_id, order_by=_staged.row)
    rows = (
        select(
            literal(stretch.store_id),
            _staged.order_id,
            place,
            order.customer_id,
            order.placed_at,
            order.counted,
            *(_staged[name] for name in _ITEM),
        )
        .select_from(
            import_orders.join(customers, _whose(stretch)).join(
                orders, and_(order.store_id == stretch.store_id, order.id == _staged.order_id)
            )
        )
        .where(stretch.rows(), _staged.quantity.is_not(None))
    )
    names = ["store_id", "order_id", "position", "customer_id", "placed_at", "counted", *_ITEM]
    await tx.execute(insert(order_items).from_select(names, rows))
