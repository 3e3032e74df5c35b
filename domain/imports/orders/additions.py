"""Adds orders that the store does not have straight to their tables, from rows as they are staged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from domain.customers.identity import Identifiers
from domain.imports import copy
from domain.imports.cells import cached
from domain.imports.orders.merge import SOURCE
from domain.imports.orders.rows import CUSTOMER_COLUMNS, ITEM_COLUMNS, STAGED
from domain.kit.db import Transaction
from domain.kit.db.types import MONEY_SCALE
from domain.orders.model import DEFAULT_STATUS, MAX_AMOUNT, TAG, SaleRules
from domain.orders.tables import order_item_facets, order_items, orders

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST = int(MAX_AMOUNT * MONEY_SCALE)
_AT = {name: place for place, name in enumerate(STAGED)}
_PLACED_AT, _STATUS, _PAYMENT, _DELIVERY = (
    _AT[name] for name in ("placed_at", "status", "payment_status", "delivery_status")
)
_TOTAL, _CURRENCY, _COUPON, _SOURCE, _CAMPAIGN = (
    _AT[name] for name in ("total", "currency", "coupon", "source", "campaign")
)
_ROW, _QUANTITY, _PRICE, _TAGS = (_AT[name] for name in ("row", "quantity", "price", "tags"))
_CUSTOMER = slice(_AT[CUSTOMER_COLUMNS[0]], _AT[CUSTOMER_COLUMNS[-1]] + 1)
_ITEM = slice(_AT[ITEM_COLUMNS[0]], _AT[ITEM_COLUMNS[-1]] + 1)
_ORDER_COLUMNS = (
    "store_id", "customer_id", "id", "placed_at", "status", "payment_status", "delivery_status", "counted", "total",
    "foreign_total", "currency", "refunded", "lines", "quantity", "source", "coupon", "campaign", "weekday",
    "month_day", "hour", "updated_at",
)  # fmt: skip
_ITEM_KEYS = ("store_id", "customer_id", "order_id", "position")
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class LocalMoment:
    """When an order was placed, and by the store's clock; Monday is 1."""

    placed_at: datetime
    weekday: int
    month_day: int
    hour: int


@dataclass(slots=True)
class NewOrder:
    """An order as its rows say it, of which the first has all that they say of it, and the rows of its items.

    `amount` is in ten-thousandths, of the store's currency where it `is_own`.
    """

    id: str
    customer: Identifiers
    head: Row
    items: Sequence[Row]
    moment: LocalMoment
    status: str
    amount: int
    quantity: float
    counted: bool
    is_own: bool
    row: int
    last_row: int
    customer_id: int = 0

    @property
    def currency(self) -> str | None:
        currency: str | None = self.head[_CURRENCY]
        return currency

    @property
    def said_status(self) -> str | None:
        """Return its status, or that of its payment where it has none."""
        status: str | None = self.head[_STATUS] or self.head[_PAYMENT]
        return status


class OrderRules:
    """Makes orders of rows by the rules of their store."""

    def __init__(self, rules: SaleRules, dialect: str) -> None:
        self._currency = rules.currency
        self._zone = ZoneInfo(rules.timezone)
        self._is_text = dialect == "postgresql"
        self._rounded = round if dialect == "postgresql" else _rounded_as_sqlite
        self._moment = cached(self._read_moment)
        self._is_sale = lru_cache(maxsize=10_000)(rules.meanings.is_sale)

    def order_of(self, order_id: str, rows: Sequence[Row]) -> NewOrder | None:
        """Return the order; None where it lacks what a new order needs, or comes to more than one may."""
        head = rows[0]
        customer = Identifiers(*head[_CUSTOMER])
        if head[_PLACED_AT] is None or not any(customer):
            return None
        items = [row for row in rows if row[_QUANTITY] is not None]
        amount: int | None = head[_TOTAL]
        if amount is None:
            amount = sum(self._rounded(row[_PRICE] * row[_QUANTITY]) for row in items)
        if abs(amount) > _MOST:
            return None
        quantity = sum(row[_QUANTITY] for row in items)
        status = head[_STATUS] or head[_PAYMENT] or DEFAULT_STATUS
        counted = amount >= 0 and quantity >= 0 and self._is_sale(status, head[_PAYMENT])
        is_own = head[_CURRENCY] in {None, self._currency}
        moment = self._moment(head[_PLACED_AT])
        numbers = head[_ROW], rows[-1][_ROW]
        return NewOrder(order_id, customer, head, items, moment, status, amount, quantity, counted, is_own, *numbers)

    def _read_moment(self, stored: Any) -> LocalMoment:
        placed_at = datetime.fromisoformat(stored) if self._is_text else _EPOCH + stored * _MICROSECOND
        local = placed_at.astimezone(self._zone)
        return LocalMoment(placed_at, local.isoweekday(), local.day, local.hour)


def _rounded_as_sqlite(units: float) -> int:
    """Return the number as SQLite rounds it: a half away from zero, and not to what is even."""
    return int(units + 0.5) if units >= 0 else int(units - 0.5)


async def add(tx: Transaction, store_id: int, new_orders: Sequence[NewOrder], now: datetime) -> None:
    """Add the orders, each with its items and their tags."""
    updated_at = copy.moment_of(now, tx.dialect)
    # Rows of a customer beside each other are read together.
    new_orders = sorted(new_orders, key=lambda order: order.customer_id)
    await copy.put(tx, orders, _ORDER_COLUMNS, [_order_row(store_id, order, updated_at) for order in new_orders])
    items = [row for order in new_orders for row in _item_rows(store_id, order)]
    await copy.put(tx, order_items, (*_ITEM_KEYS, "placed_at", "counted", *ITEM_COLUMNS), items)
    facets = [row for order in new_orders for row in _facet_rows(store_id, order)]
    await copy.put(tx, order_item_facets, (*_ITEM_KEYS, "facet", "value"), facets)


def _order_row(store_id: int, order: NewOrder, updated_at: str | int) -> Row:
    head, moment = order.head, order.moment
    amounts = (order.amount, None) if order.is_own else (None, order.amount)
    return (
        *(store_id, order.customer_id, order.id, head[_PLACED_AT]),
        *(order.status, head[_PAYMENT], head[_DELIVERY], int(order.counted)),
        *(*amounts, head[_CURRENCY], 0, len(order.items), order.quantity),
        *(head[_SOURCE] or SOURCE, head[_COUPON], head[_CAMPAIGN]),
        *(moment.weekday, moment.month_day, moment.hour, updated_at),
    )


def _item_rows(store_id: int, order: NewOrder) -> list[Row]:
    placed_at, counted = order.head[_PLACED_AT], order.counted
    return [
        # What an order takes back is not bought in it.
        (store_id, order.customer_id, order.id, position, placed_at, int(counted and row[_QUANTITY] >= 0), *row[_ITEM])
        for position, row in enumerate(order.items, 1)
    ]


def _facet_rows(store_id: int, order: NewOrder) -> list[Row]:
    return [
        (store_id, order.customer_id, order.id, position, TAG, tag)
        for position, row in enumerate(order.items, 1)
        if row[_TAGS] is not None
        for tag in orjson.loads(row[_TAGS])
    ]
