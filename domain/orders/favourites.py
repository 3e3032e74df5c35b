"""Counts the product, category, brand and department that each customer buys most, as their orders change."""

from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, literal, select, union_all

from domain.kit.db import Transaction
from domain.orders.tables import customer_favourites, order_items

KINDS = ("product", "category", "brand", "department")
_item = order_items.c


async def recount(tx: Transaction, store_id: int, customers: Select[Any]) -> None:
    """Count the favourites again of the customers that a select of their ids gives.

    Of two values bought equally often, the favourite is the one bought last.
    """
    favourite = customer_favourites.c
    await tx.execute(
        delete(customer_favourites).where(favourite.store_id == store_id, favourite.customer_id.in_(customers))
    )
    ranked = union_all(*(_ranked(kind, store_id, _item.customer_id.in_(customers)) for kind in KINDS)).subquery()
    best = select(literal(store_id), ranked.c.customer_id, ranked.c.kind, ranked.c.value).where(ranked.c.rank == 1)
    columns = ["store_id", "customer_id", "kind", "value"]
    await tx.execute(insert(customer_favourites).from_select(columns, best))


def _ranked(kind: str, store_id: int, of_customers: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    value = _item[kind]
    most_bought = (func.sum(_item.quantity).desc(), func.max(_item.placed_at).desc(), value)
    rank = func.row_number().over(partition_by=_item.customer_id, order_by=most_bought).label("rank")
    return (
        select(_item.customer_id, literal(kind).label("kind"), value.label("value"), rank)
        .where(_item.store_id == store_id, _item.counted, value.is_not(None), of_customers)
        .group_by(_item.customer_id, value)
    )
