"""Orders of customers, and the facts that follow from them."""

from calendar import day_name
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement

from domain.customers.tables import customer_facts
from domain.events.types import ORDER_CANCELLED, ORDER_REFUNDED, ORDER_UPDATED
from domain.kit.db.types import MONEY_SCALE
from domain.kit.values import ValueType
from domain.orders.tables import customer_favourites, order_items, orders
from domain.segments.catalogue.builders import NUMBERS_OR_NONE, Group, attribute, choice, only, suggested
from domain.segments.catalogue.entries import CHOICE, NUMBERS, AttributeEntry, BehaviorEntry
from domain.segments.catalogue.event_behaviors import EventBehaviors
from domain.segments.sql.behaviors.base import EventField
from domain.segments.sql.behaviors.orders import AVERAGE_ORDER, FacetField, OrderField, OrderPart, OrderSource
from domain.segments.sql.columns.bands import BandColumn
from domain.segments.sql.columns.times import MomentColumn
from domain.segments.sql.columns.values import RealColumn, TextColumn, WholeColumn
from domain.segments.sql.dimensions.child_rows import ChildRows, ChildValue
from domain.segments.sql.dimensions.customer import CustomerColumn
from domain.segments.sql.predicates import Selectivity

_f = customer_facts.c
_purchase, _favourites = Group("purchase"), Group("favourites")
_SHOPPERS = {"NONE": (0, 0), "ONE_TIME": (1, 1), "REPEAT": (2, None)}


def _favourite(kind: str) -> ChildValue:
    rows = customer_favourites.c
    return ChildValue(
        ChildRows(rows.customer_id, lambda _: (rows.kind == kind,), Selectivity.CATEGORY), TextColumn(rows.value)
    )


PURCHASE = (
    _purchase.number("order_count", "Number of orders", CustomerColumn(WholeColumn(_f.order_count)), 81, 97),
    choice(
        _purchase.text("shopper", "Shopper", CustomerColumn(BandColumn(_f.order_count, _SHOPPERS)), 96),
        {"NONE": "Has not ordered", "ONE_TIME": "One-time shopper", "REPEAT": "Repeat shopper"},
    ),
    _purchase.number("total_spent", "Total spent", CustomerColumn(WholeColumn(_f.total_spent, MONEY_SCALE)), 84),
    only(
        _purchase.number("average_order_value", "Average order", CustomerColumn(AVERAGE_ORDER), 85),
        NUMBERS_OR_NONE,
    ),
    _purchase.moment("first_order_at", "First order", CustomerColumn(MomentColumn(_f.first_order_at)), 82),
    _purchase.moment("last_order_at", "Last order", CustomerColumn(MomentColumn(_f.last_order_at)), 83, 97),
    *(
        _favourites.text(f"favourite.{kind}", f"Favourite {kind}", _favourite(kind), 106)
        for kind in ("product", "category", "brand", "department")
    ),
)

_SOURCES = {
    "shop": "Online store: shop",
    "admin": "Online store: admin",
    "sc": "Online store: sc",
    "mc": "Online store: mc",
    "manual": "Online store: manual",
    "post": "Online store: post",
    "smartomo": "Physical store: SmartOMO",
    "pos": "Physical store: POS",
    "api": "API",
    "import": "Import",
}
_STATUSES = {"open": "Open", "confirmed": "Confirmed", "completed": "Completed"}
_PAYMENTS = {"unpaid": "Unpaid", "paid": "Paid", "partially_refunded": "Partly refunded", "refunded": "Refunded"}
_DELIVERIES = {"pending": "Pending", "shipped": "Shipped", "delivered": "Delivered", "returned": "Returned"}
_WEEKDAYS = {number: day_name[number - 1] for number in range(1, 8)}


def _text(key: str, label: str, field: EventField, *rules: int) -> AttributeEntry:
    return attribute((key, label), ValueType.STRING, field, *rules)


def _number(key: str, label: str, field: EventField, *rules: int) -> AttributeEntry:
    return attribute((key, label), ValueType.NUMBER, field, *rules)


def _of_item(column: ColumnElement[Any], selectivity: Selectivity = Selectivity.CATEGORY) -> OrderField:
    return OrderField(OrderPart.ITEM, column, TextColumn, selectivity)


def _of_order(column: ColumnElement[Any]) -> OrderField:
    return OrderField(OrderPart.ORDER, column)


def _whole(column: ColumnElement[Any]) -> OrderField:
    return OrderField(OrderPart.ORDER, column, WholeColumn, scale=1)


def facet(name: str) -> AttributeEntry:
    return _text(f"facet.{name}", name, FacetField(name), 104, 107)


def _other(key: str, _: Sequence[object]) -> AttributeEntry | None:
    """Return any attribute of items by its name; None for a name that cannot be one."""
    name = key.removeprefix("facet.")
    return facet(name) if key != name and 0 < len(name) <= 64 and name.isprintable() and "`" not in name else None


_i, _o = order_items.c, orders.c
ORDER = BehaviorEntry(
    "order",
    "Order",
    "purchase",
    (
        _text("product", "Product", _of_item(_i.product, Selectivity.PRODUCT), 86, 104, 105),
        _text("name", "Product name", _of_item(_i.name), 86),
        _text("variant", "Variant", _of_item(_i.variant, Selectivity.PRODUCT), 88),
        _text("category", "Category", _of_item(_i.category), 87, 104, 105),
        _text("department", "Department", _of_item(_i.department), 104),
        _text("brand", "Brand", _of_item(_i.brand), 104),
        _text("tag", "Product tag", FacetField("tag"), 89),
        _number("quantity", "Quantity", OrderField(OrderPart.ITEM, _i.quantity, RealColumn)),
        _number("price", "Price of one", OrderField(OrderPart.ITEM, _i.price, WholeColumn)),
        _number("total", "Order total", OrderField(OrderPart.ORDER, _o.total, WholeColumn), 84, 90),
        _number("refunded", "Amount refunded", OrderField(OrderPart.ORDER, _o.refunded, WholeColumn), 103),
        _number("lines", "Lines", _whole(_o.lines), 91, 101),
        _number("pieces", "Pieces", OrderField(OrderPart.ORDER, _o.quantity, RealColumn), 91),
        suggested(_text("status", "Order status", _of_order(_o.status), 93), _STATUSES),
        suggested(_text("payment_status", "Payment status", _of_order(_o.payment_status), 94), _PAYMENTS),
        suggested(
            _text("delivery_status", "Delivery status", _of_order(_o.delivery_status), 94),
            _DELIVERIES,
        ),
        suggested(_text("source", "Order source", _of_order(_o.source), 92), _SOURCES),
        _text("coupon", "Coupon", _of_order(_o.coupon), 98, 108),
        replace(_text("campaign", "Campaign", _of_order(_o.campaign), 144), refers_to="Campaign"),
        choice(_number("weekday", "Weekday", _whole(_o.weekday), 100), _WEEKDAYS),
        only(_number("month_day", "Day of the month", _whole(_o.month_day), 100), (*CHOICE, *NUMBERS[2:])),
        only(_number("hour", "Hour of the day", _whole(_o.hour), 100), (*CHOICE, *NUMBERS[2:])),
    ),
    OrderSource(),
    _other,
    rules=(81, 86, 97, 100, 101, 105, 107, 108, 114),
)

_purchasing = EventBehaviors("purchase")
PURCHASING: tuple[BehaviorEntry, ...] = (
    ORDER,
    _purchasing.of(ORDER_CANCELLED, "Order cancelled", 93),
    _purchasing.of(ORDER_REFUNDED, "Order refunded", 103),
    _purchasing.of(ORDER_UPDATED, "Order updated", 94),
    _purchasing.of("return", "Goods returned", 103),
    _purchasing.of("subscription.created", "Subscription created", 99),
    _purchasing.of("subscription.cancelled", "Subscription cancelled", 99),
    _purchasing.of("review", "Review written", 102),
)
