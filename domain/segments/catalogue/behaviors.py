"""The behaviors that every store has."""

from domain.customers.model import ValueType
from domain.events.tables import order_items, orders
from domain.segments.catalogue.entries import OPERATORS, Attribute, Behavior
from domain.segments.conditions.columns import RealColumn, TextColumn, WholeColumn
from domain.segments.conditions.leaf import Spread
from domain.segments.conditions.orders import Kept, Of, Orders


def _text(key: str, label: str, trait: Kept) -> Attribute:
    kind = ValueType.STRING
    return Attribute(key=key, label=label, group="order", type=kind, operators=OPERATORS[kind], trait=trait)


def _number(key: str, label: str, trait: Kept) -> Attribute:
    kind = ValueType.NUMBER
    return Attribute(key=key, label=label, group="order", type=kind, operators=OPERATORS[kind], trait=trait)


ORDER = Behavior(
    "order",
    "Order",
    "purchase",
    (
        _text("product", "Product", Kept(Of.ITEM, order_items.c.product, TextColumn, Spread.PRODUCT)),
        _text("name", "Product name", Kept(Of.ITEM, order_items.c.name, TextColumn, Spread.CATEGORY)),
        _text("category", "Category", Kept(Of.ITEM, order_items.c.category, TextColumn, Spread.CATEGORY)),
        _text("brand", "Brand", Kept(Of.ITEM, order_items.c.brand, TextColumn, Spread.CATEGORY)),
        _number("quantity", "Quantity", Kept(Of.ITEM, order_items.c.quantity, RealColumn)),
        _number("price", "Price of one", Kept(Of.ITEM, order_items.c.price, WholeColumn)),
        _number("total", "Order total", Kept(Of.ORDER, orders.c.total, WholeColumn)),
        _text("status", "Order status", Kept(Of.ORDER, orders.c.status)),
        _text("source", "Order source", Kept(Of.ORDER, orders.c.source)),
    ),
    Orders(),
)
