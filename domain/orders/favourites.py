"""Counts the product, category, brand and department that each customer buys most, as their orders change."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    delete,
    func,
    insert,
    literal,
    select,
    true,
    union,
    union_all,
)

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


def mismatched(store_id: int) -> CompoundSelect[Any]:
    """Select the favourites that differ from what counting gives: those that are stored, and those that should be."""
    favourite = customer_favourites.c
    ranked = union_all(*(_ranked(kind, store_id, true()) for kind in KINDS)).subquery("ranked")
    best = select(ranked.c.customer_id, ranked.c.kind, ranked.c.value).where(ranked.c.rank == 1).cte("best")
    of_customer = and_(
        favourite.store_id == store_id, favourite.customer_id == best.c.customer_id, favourite.kind == best.c.kind
    )
    lost = best.outerjoin(customer_favourites, of_customer)
    too_many = customer_favourites.outerjoin(best, of_customer)
    stored = (favourite.customer_id, favourite.kind, favourite.value)
    return union(
        select(best).select_from(lost).where(best.c.value.is_distinct_from(favourite.value)),
        select(*stored)
        .select_from(too_many)
        .where(favourite.store_id == store_id, favourite.value.is_distinct_from(best.c.value)),
    )


def _ranked(kind: str, store_id: int, of_customers: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    value = _item[kind]
    most_bought = (func.sum(_item.quantity).desc(), func.max(_item.placed_at).desc(), value)
    rank = func.row_number().over(partition_by=_item.customer_id, order_by=most_bought).label("rank")
    return (
        select(_item.customer_id, literal(kind).label("kind"), value.label("value"), rank)
        .where(_item.store_id == store_id, _item.counted, value.is_not(None), of_customers)
        .group_by(_item.customer_id, value)
    )
