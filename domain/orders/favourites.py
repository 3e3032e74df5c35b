"""What each customer buys most of, counted in the transaction that changed their orders."""

from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, literal, select, union_all

from domain.customers.tables import customer_favourites
from domain.kit.db import Transaction
from domain.orders.tables import order_items

KINDS = ("product", "category", "brand", "department")
_item = order_items.c


async def recount(tx: Transaction, store_id: int, customers: Select[Any]) -> None:
    """Count again for the customers that a select of their ids gives; of two bought alike, the one bought last."""
    had = customer_favourites.c
    await tx.execute(delete(customer_favourites).where(had.store_id == store_id, had.customer_id.in_(customers)))
    ranked = union_all(*(_ranked(kind, store_id, _item.customer_id.in_(customers)) for kind in KINDS)).subquery()
    best = select(literal(store_id), ranked.c.customer_id, ranked.c.kind, ranked.c.value).where(ranked.c.place == 1)
    names = ["store_id", "customer_id", "kind", "value"]
    await tx.execute(insert(customer_favourites).from_select(names, best))


def _ranked(kind: str, store_id: int, whose: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    value = _item[kind]
    most = (func.sum(_item.quantity).desc(), func.max(_item.placed_at).desc(), value)
    place = func.row_number().over(partition_by=_item.customer_id, order_by=most).label("place")
    return (
        select(_item.customer_id, literal(kind).label("kind"), value.label("value"), place)
        .where(_item.store_id == store_id, _item.counted, value.is_not(None), whose)
        .group_by(_item.customer_id, value)
    )
