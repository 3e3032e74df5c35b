"""Merges staged orders, and counts them for their customers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, and_, cast, func, literal, select, tuple_

from domain import changes
from domain.changes import ChangeKind
from domain.customers.tables import customers
from domain.events.tables import events
from domain.events.types import ORDER_CHANGES
from domain.imports.format import ImportKey
from domain.imports.orders.rows import ITEM_COLUMNS
from domain.imports.tables import import_orders
from domain.kit.db import Transaction
from domain.kit.db.zones import local_time
from domain.orders import changes as order_changes
from domain.orders import facts, writes
from domain.orders.tables import order_customers, orders
from domain.stores import queries as stores

SOURCE = "import"
ROWS_AT_ONCE = 20_000
_staged = import_orders.c


@dataclass(frozen=True, slots=True)
class CustomerRange:
    """The staged orders of the customers after one external id and up to another."""

    key: ImportKey
    after: str
    until: str

    @property
    def store_id(self) -> int:
        return self.key.store_id

    def rows(self) -> ColumnElement[bool]:
        return and_(
            self.key.matches(_staged),
            _staged.customer_external_id > self.after,
            _staged.customer_external_id <= self.until,
        )

    def order_ids(self) -> Select[str]:
        return select(_staged.order_id).where(self.rows())

    def has_order(self) -> ColumnElement[bool]:
        """Return whether an order is one of the range."""
        stored = order_customers.c
        keys = select(stored.customer_id, stored.order_id).where(
            stored.store_id == self.store_id, stored.order_id.in_(self.order_ids())
        )
        return and_(orders.c.store_id == self.store_id, tuple_(orders.c.customer_id, orders.c.id).in_(keys))

    def customer_ids(self) -> Select[int]:
        external_ids = select(_staged.customer_external_id).where(self.rows())
        return select(customers.c.id).where(
            customers.c.store_id == self.store_id, customers.c.external_id.in_(external_ids)
        )


async def next_range(tx: Transaction, key: ImportKey, after: str) -> CustomerRange | None:
    """Return the next range of about `ROWS_AT_ONCE` rows, None when none is left."""
    rest = (
        select(_staged.customer_external_id)
        .where(key.matches(_staged), _staged.customer_external_id > after)
        .order_by(_staged.customer_external_id)
    )
    until = await tx.scalar(rest.offset(ROWS_AT_ONCE - 1).limit(1))
    if until is None:
        until = await tx.scalar(select(func.max(rest.subquery().c.customer_external_id)))
    return None if until is None else CustomerRange(key, after, until)


async def merge(tx: Transaction, batch: CustomerRange, now: datetime) -> int:
    """Replace the orders that the rows are of, count them for their customers, and return the number of rows."""
    store_id = batch.store_id
    previous_customer_ids = await writes.assign(tx, store_id, _assigned(batch))
    await _put_orders(tx, batch, now)
    await _put_items(tx, batch)
    # Orders that events say were cancelled, refunded or changed; most stores have none.
    is_change = (events.c.store_id == store_id, events.c.type.in_(ORDER_CHANGES))
    changed_order_ids: list[str] = []
    if await tx.scalar(select(literal(1)).where(*is_change).limit(1)) is not None:
        subjects = select(events.c.subject).distinct().where(*is_change, events.c.subject.in_(batch.order_ids()))
        changed_order_ids = list((await tx.execute(subjects)).scalars())
    await order_changes.apply_changes(tx, store_id, changed_order_ids)
    await facts.recount(tx, store_id, batch.customer_ids())
    await facts.recount_ids(tx, store_id, previous_customer_ids)
    await changes.record_change(tx, store_id, ChangeKind.ORDERS, batch.customer_ids())
    await changes.record_change(tx, store_id, ChangeKind.ORDERS, previous_customer_ids)
    future = select(orders.c.customer_id, orders.c.placed_at).where(
        batch.has_order(), orders.c.placed_at > literal(now, orders.c.placed_at.type)
    )
    await changes.record_future_changes(tx, store_id, ChangeKind.ORDERS, future)
    count: int = await tx.scalar(select(func.count()).select_from(import_orders).where(batch.rows()))
    return count


def _assigned(batch: CustomerRange) -> Select[str, int]:
    """Select the orders, each with the customer of its last row."""
    from_end = func.row_number().over(order_by=_staged.row.desc(), partition_by=_staged.order_id).label("from_end")
    rows = select(_staged.order_id, _staged.customer_external_id, from_end).where(batch.rows()).subquery("last")
    return (
        select(rows.c.order_id, customers.c.id)
        .join(customers, _is_customer(batch, rows.c.customer_external_id))
        .where(rows.c.from_end == 1)
    )


def _numbered_rows(batch: CustomerRange) -> Subquery:
    """Return every row with its position from the end of its order, and with what the order's rows say together."""
    price = cast(_staged.price, BigInteger)
    order = _staged.order_id
    return (
        select(
            _staged.order_id,
            _staged.customer_external_id,
            _staged.placed_at,
            _staged.status,
            _staged.counted,
            func.row_number().over(order_by=_staged.row.desc(), partition_by=order).label("from_end"),
            func.max(cast(_staged.total, BigInteger)).over(partition_by=order).label("total"),
            func.sum(func.round(price * _staged.quantity)).over(partition_by=order).label("summed"),
            func.count(_staged.quantity).over(partition_by=order).label("lines"),
            func.sum(_staged.quantity).over(partition_by=order).label("quantity"),
        )
        .where(batch.rows())
        .subquery("numbered")
    )


async def _put_orders(tx: Transaction, batch: CustomerRange, now: datetime) -> None:
    """Insert or update the orders, each as its last row has it."""
    head = _numbered_rows(batch).c
    when = local_time(head.placed_at, await stores.timezone_of(tx, batch.store_id), tx.dialect)
    columns: dict[str, ColumnElement[Any]] = {
        "store_id": literal(batch.store_id),
        "id": head.order_id,
        "customer_id": customers.c.id,
        "placed_at": head.placed_at,
        "status": head.status,
        "counted": head.counted,
        "total": cast(func.coalesce(head.total, head.summed, 0), BigInteger),
        "refunded": literal(0),
        "lines": head.lines,
        "quantity": func.coalesce(head.quantity, 0),
        "source": literal(SOURCE),
        "weekday": when.weekday,
        "month_day": when.month_day,
        "hour": when.hour,
        "updated_at": literal(now, orders.c.updated_at.type),
    }
    selected = (
        select(*(column.label(name) for name, column in columns.items()))
        .join(customers, _is_customer(batch, head.customer_external_id))
        .where(head.from_end == 1)
    )
    await writes.put_selected(tx, selected)


async def _put_items(tx: Transaction, batch: CustomerRange) -> None:
    """Insert the items, each with the customer, the time and the status of its order."""
    order = _staged.order_id
    head = {
        name: func.first_value(_staged[name])
        .over(order_by=_staged.row.desc(), partition_by=order)
        .label(f"head_{name}")
        for name in ("customer_external_id", "placed_at", "counted")
    }
    position = func.row_number().over(order_by=_staged.row, partition_by=order).label("position")
    item = (
        select(_staged.order_id, position, *head.values(), *(_staged[name] for name in ITEM_COLUMNS))
        .where(batch.rows())
        .subquery("item")
        .c
    )
    selected = (
        select(
            literal(batch.store_id).label("store_id"),
            item.order_id,
            item.position,
            customers.c.id.label("customer_id"),
            item.head_placed_at.label("placed_at"),
            item.head_counted.label("counted"),
            *(item[name] for name in ITEM_COLUMNS),
        )
        .join(customers, _is_customer(batch, item.head_customer_external_id))
        .where(item.quantity.is_not(None))
    )
    await writes.add_selected_items(tx, selected)


def _is_customer(batch: CustomerRange, external_id: ColumnElement[str]) -> ColumnElement[bool]:
    return and_(customers.c.store_id == batch.store_id, customers.c.external_id == external_id)
