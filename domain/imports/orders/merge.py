"""Makes orders of staged rows, and counts them for their customers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, and_, cast, delete, func, insert, literal, select

from domain import changes
from domain.changes import ChangeKind
from domain.customers.tables import customers
from domain.events.tables import events
from domain.events.types import ORDER_CHANGES
from domain.imports.tables import import_orders
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into
from domain.kit.db.zones import local_time
from domain.orders import changes as order_changes
from domain.orders import facts
from domain.orders.tables import order_item_facets, order_items, orders
from domain.stores import queries as stores

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
    for table in (order_items, order_item_facets):
        await tx.execute(delete(table).where(_ours(table.c, "order_id", stretch)))
    await _put_orders(tx, stretch, now)
    await _put_items(tx, stretch)
    await order_changes.apply_changes(tx, stretch.store_id, await _changed(tx, stretch))
    await facts.recount(tx, stretch.store_id, _customers(stretch))
    await facts.recount_ids(tx, stretch.store_id, left)
    await _note(tx, stretch, left, now)
    taken: int = await tx.scalar(select(func.count()).select_from(import_orders).where(stretch.rows()))
    return taken


async def _note(tx: Transaction, stretch: Stretch, left: list[int], now: datetime) -> None:
    await changes.record_change(tx, stretch.store_id, ChangeKind.ORDERS, _customers(stretch))
    await changes.record_change(tx, stretch.store_id, ChangeKind.ORDERS, left)
    ahead = select(orders.c.customer_id, orders.c.placed_at).where(
        _ours(orders.c, "id", stretch), orders.c.placed_at > literal(now, orders.c.placed_at.type)
    )
    await changes.record_future_changes(tx, stretch.store_id, ChangeKind.ORDERS, ahead)


async def _changed(tx: Transaction, stretch: Stretch) -> list[str]:
    """Orders of which it was said, by events, that they were cancelled, refunded or changed."""
    said = (events.c.store_id == stretch.store_id, events.c.type.in_(ORDER_CHANGES))
    if await tx.scalar(select(literal(1)).where(*said).limit(1)) is None:
        return []
    named = select(_staged.order_id).where(stretch.rows())
    rows = await tx.execute(select(events.c.subject).distinct().where(*said, events.c.subject.in_(named)))
    return list(rows.scalars())


def _ours(columns: Any, key: str, stretch: Stretch) -> ColumnElement[bool]:
    named = select(_staged.order_id).where(stretch.rows())
    return and_(columns.store_id == stretch.store_id, columns[key].in_(named))


def _customers(stretch: Stretch) -> Select[Any]:
    named = select(_staged.customer_external_id).where(stretch.rows())
    return select(customers.c.id).where(customers.c.store_id == stretch.store_id, customers.c.external_id.in_(named))


async def _customers_left(tx: Transaction, stretch: Stretch) -> list[int]:
    """Whose these orders were, where they become another's."""
    moved = orders.c.customer_id.not_in(_customers(stretch))
    rows = await tx.execute(select(orders.c.customer_id).distinct().where(_ours(orders.c, "id", stretch), moved))
    return list(rows.scalars())


def _heads(stretch: Stretch) -> Subquery:
    """Every row with its place from the end of its order, and with what the order's rows say together."""
    price = cast(_staged.price, BigInteger)
    order = _staged.order_id
    return (
        select(
            _staged.order_id,
            _staged.customer_external_id,
            _staged.placed_at,
            _staged.status,
            _staged.counted,
            func.row_number().over(order_by=_staged.row.desc(), partition_by=order).label("place"),
            func.max(cast(_staged.total, BigInteger)).over(partition_by=order).label("given"),
            func.sum(func.round(price * _staged.quantity)).over(partition_by=order).label("summed"),
            func.count(_staged.quantity).over(partition_by=order).label("lines"),
            func.sum(_staged.quantity).over(partition_by=order).label("quantity"),
        )
        .where(stretch.rows())
        .subquery("heads")
    )


async def _put_orders(tx: Transaction, stretch: Stretch, now: datetime) -> None:
    """An order is as its last row has it."""
    head = _heads(stretch).c
    when = local_time(head.placed_at, await stores.timezone_of(tx, stretch.store_id), tx.dialect)
    rows = (
        select(
            literal(stretch.store_id),
            head.order_id,
            customers.c.id,
            head.placed_at,
            head.status,
            head.counted,
            cast(func.coalesce(head.given, head.summed, 0), BigInteger),
            literal(0),
            head.lines,
            func.coalesce(head.quantity, 0),
            literal(SOURCE),
            when.weekday,
            when.month_day,
            when.hour,
            literal(now, orders.c.updated_at.type),
        )
        .join(
            customers,
            and_(customers.c.store_id == stretch.store_id, customers.c.external_id == head.customer_external_id),
        )
        .where(head.place == 1)
    )
    names = ["store_id", "id", "customer_id", "placed_at", "status", "counted", "total", "refunded", "lines"]
    names += ["quantity", "source", "weekday", "month_day", "hour", "updated_at"]
    statement = insert_into(orders, tx.dialect).from_select(names, rows)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["store_id", "id"], set_={name: statement.excluded[name] for name in names[2:]}
        )
    )


async def _put_items(tx: Transaction, stretch: Stretch) -> None:
    """An item belongs to whom, when and as its order does."""
    order = _staged.order_id
    head = {
        name: func.first_value(_staged[name])
        .over(order_by=_staged.row.desc(), partition_by=order)
        .label(f"head_{name}")
        for name in ("customer_external_id", "placed_at", "counted")
    }
    place = func.row_number().over(order_by=_staged.row, partition_by=order).label("place")
    item = (
        select(_staged.order_id, place, *head.values(), *(_staged[name] for name in _ITEM))
        .where(stretch.rows())
        .subquery("item")
        .c
    )
    whose = and_(customers.c.store_id == stretch.store_id, customers.c.external_id == item.head_customer_external_id)
    rows = (
        select(
            literal(stretch.store_id),
            item.order_id,
            item.place,
            customers.c.id,
            item.head_placed_at,
            item.head_counted,
            *(item[name] for name in _ITEM),
        )
        .join(customers, whose)
        .where(item.quantity.is_not(None))
    )
    names = ["store_id", "order_id", "position", "customer_id", "placed_at", "counted", *_ITEM]
    await tx.execute(insert(order_items).from_select(names, rows))
