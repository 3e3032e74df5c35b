"""Counts the product, category, brand and department that each customer buys most, as their orders change."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, CompoundSelect, Select, and_, delete, func, literal, select, union, union_all

from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, in_array, insert_into
from domain.orders import of_customers
from domain.orders.tables import customer_favourites, order_items

KINDS = ("product", "category", "brand", "department")
_item = order_items.c
# Customers whose items PostgreSQL sorts and hashes in memory.
_AT_ONCE = 2_000


async def recount(tx: Transaction, store_id: int, customer_ids: Sequence[int]) -> None:
    """Count the favourites again of the customers with these ids.

    Of two values bought equally often, the favourite is the one bought last.
    """
    favourite = customer_favourites.c
    of_customer = in_array(favourite.customer_id, of_customers.IDS, tx.dialect)
    await tx.execute(
        delete(customer_favourites).where(favourite.store_id == store_id, of_customer),
        {of_customers.IDS: array_value(customer_ids, tx.dialect)},
    )
    await count_added(tx, store_id, customer_ids)


async def count_added(tx: Transaction, store_id: int, customer_ids: Sequence[int]) -> None:
    """Count the favourites of customers who may have bought more since they were counted, and nothing less."""
    columns = (_item.placed_at, _item.quantity, *(_item[kind] for kind in KINDS))
    bought = of_customers.counted_rows(order_items, store_id, columns, tx.dialect).cte("bought")
    ranked = union_all(*(_ranked(kind, bought) for kind in KINDS)).subquery()
    best = select(literal(store_id), ranked.c.customer_id, ranked.c.kind, ranked.c.value).where(ranked.c.rank == 1)
    inserted = insert_into(customer_favourites, tx.dialect).from_select(list(customer_favourites.c.keys()), best)
    value = inserted.excluded.value
    statement = inserted.on_conflict_do_update(
        index_elements=list(customer_favourites.primary_key.columns),
        set_={"value": value},
        where=customer_favourites.c.value != value,
    )
    for start in range(0, len(customer_ids), _AT_ONCE):
        ids = array_value(customer_ids[start : start + _AT_ONCE], tx.dialect)
        await tx.execute(statement, {of_customers.IDS: ids})


def mismatched(store_id: int) -> CompoundSelect[Any]:
    """Select the favourites that differ from what counting gives: those that are stored, and those that should be."""
    favourite = customer_favourites.c
    is_counted = (_item.store_id == store_id, _item.counted)
    columns = (_item.customer_id, _item.placed_at, _item.quantity, *(_item[kind] for kind in KINDS))
    bought = select(*columns).where(*is_counted).cte("bought")
    ranked = union_all(*(_ranked(kind, bought) for kind in KINDS)).subquery("ranked")
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


def _ranked(kind: str, bought: CTE) -> Select[*tuple[Any, ...]]:
    item, value = bought.c, bought.c[kind]
    most_bought = (func.sum(item.quantity).desc(), func.max(item.placed_at).desc(), value)
    rank = func.row_number().over(partition_by=item.customer_id, order_by=most_bought).label("rank")
    return (
        select(item.customer_id, literal(kind).label("kind"), value.label("value"), rank)
        .where(value.is_not(None))
        .group_by(item.customer_id, value)
    )
