"""A range of the customers of a file's orders: what one step merges."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select

from domain.imports.format import ImportKey
from domain.imports.tables import import_orders
from domain.kit.db import Transaction

ROWS_AT_ONCE = 20_000
_order = import_orders.c


@dataclass(frozen=True, slots=True)
class CustomerRange:
    """The file's orders of the customers after one and up to another."""

    key: ImportKey
    after: int
    until: int

    @property
    def store_id(self) -> int:
        return self.key.store_id

    def has(self, columns: Any = _order) -> ColumnElement[bool]:
        """Return whether an order of the file is in the range; of `columns` where its table has another name."""
        in_range = and_(columns.customer_id > self.after, columns.customer_id <= self.until)
        return and_(self.key.matches(columns), in_range)

    def customer_ids(self) -> Select[int]:
        return select(_order.customer_id).where(self.has()).distinct()

    def is_stored(self, columns: Any) -> ColumnElement[bool]:
        """Return whether a row of orders is the one that the file's order is, or becomes."""
        return and_(
            columns.store_id == self.store_id, columns.customer_id == _order.customer_id, columns.id == _order.order_id
        )


async def next_range(tx: Transaction, key: ImportKey, after: int) -> CustomerRange | None:
    """Return the next range of about `ROWS_AT_ONCE` rows, None when none is left."""
    rest = (
        select(_order.customer_id, _order.order_id, _order.rows)
        .where(key.matches(_order), _order.customer_id > after)
        .order_by(_order.customer_id, _order.order_id)
        .limit(ROWS_AT_ONCE)
        .subquery("rest")
        .c
    )
    running = func.sum(rest.rows).over(order_by=(rest.customer_id, rest.order_id)).label("running")
    sums = select(rest.customer_id, running).subquery("sums").c
    until = await tx.scalar(select(func.min(sums.customer_id)).where(sums.running >= ROWS_AT_ONCE))
    if until is None:
        until = await tx.scalar(select(func.max(rest.customer_id)))
    return None if until is None else CustomerRange(key, after, until)
