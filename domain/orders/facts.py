"""Counts each customer's orders into `customer_facts`, in the transaction that changes them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Select, Subquery, case, cast, exists, func, literal, literal_column, or_, select

from domain.customers import selected_writes
from domain.customers.tables import customer_facts
from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, exact_sum, in_array
from domain.kit.db.types import MONEY_SCALE, Money
from domain.orders import favourites, of_customers
from domain.orders.model import MAX_SPENT
from domain.orders.tables import orders

# The columns that hold the moment of the nth order from the last.
_NTH_LAST = {2: "order_2_at", 3: "order_3_at", 4: "order_4_at", 5: "order_5_at", 10: "order_10_at"}
_MOMENTS = ("first_order_at", "last_order_at", *_NTH_LAST.values())
_BATCH = 10_000
_MOST_UNITS = literal_column(str(int(MAX_SPENT * MONEY_SCALE)), BigInteger())


async def recount_ids(tx: Transaction, store_id: int, customer_ids: Iterable[int]) -> None:
    """Count the orders again of the customers with these ids, and their favourites."""
    for ids in _batches(customer_ids):
        await _recount(tx, store_id, ids)
        await favourites.recount(tx, store_id, ids)


async def recount_without_favourites(tx: Transaction, store_id: int, customer_ids: Iterable[int]) -> None:
    """Count the orders again of customers whose favourites will be counted in another transaction."""
    for ids in _batches(customer_ids):
        await _recount(tx, store_id, ids)


def _batches(customer_ids: Iterable[int]) -> Iterator[list[int]]:
    ordered_ids = sorted(set(customer_ids))
    return (ordered_ids[start : start + _BATCH] for start in range(0, len(ordered_ids), _BATCH))


async def _recount(tx: Transaction, store_id: int, customer_ids: Sequence[int]) -> None:
    """Count the orders of these customers.

    A count, not an addition: late, backdated and cancelled orders need no thought of their own.
    """
    named = of_customers.named_customers(tx.dialect).c
    bought = of_customers.counted_rows(orders, store_id, (orders.c.placed_at, orders.c.total), tx.dialect)
    counted = _counts(bought.subquery("bought"), tx.dialect).subquery("counted")
    selected = (
        select(
            literal(store_id).label("store_id"),
            named.customer_id,
            func.coalesce(counted.c.order_count, 0).label("order_count"),
            func.coalesce(counted.c.total_spent, 0, type_=Money()).label("total_spent"),
            *(counted.c[name] for name in _MOMENTS),
            func.coalesce(counted.c.foreign_order_count, 0).label("foreign_order_count"),
        )
        .select_from(named.customer_id.table.outerjoin(counted, counted.c.customer_id == named.customer_id))
        # SQLite takes ON CONFLICT behind a select for a join's unless a WHERE stands between.
        .where(named.customer_id.is_not(None))
    )
    ids = array_value(customer_ids, tx.dialect)
    await selected_writes.put_facts(tx, selected, {of_customers.IDS: ids})


def mismatched(store_id: int, dialect: str) -> Select[int]:
    """Select the customers whose facts are not what counting their orders gives."""
    is_counted = (orders.c.store_id == store_id, orders.c.counted)
    bought = select(orders.c.customer_id, orders.c.placed_at, orders.c.total).where(*is_counted).subquery("bought")
    counted = _counts(bought, dialect).subquery("counted")
    fact = customer_facts.c
    differs = or_(
        fact.order_count != func.coalesce(counted.c.order_count, 0),
        fact.total_spent != func.coalesce(counted.c.total_spent, 0, type_=Money()),
        *(fact[name].is_distinct_from(counted.c[name]) for name in _MOMENTS),
        fact.foreign_order_count != func.coalesce(counted.c.foreign_order_count, 0),
    )
    return (
        select(fact.customer_id)
        .select_from(customer_facts.outerjoin(counted, counted.c.customer_id == fact.customer_id))
        .where(fact.store_id == store_id, differs)
    )


async def mismatches(tx: Transaction, store_id: int) -> list[int]:
    """Return the customers whose facts are not what counting their orders gives."""
    return sorted((await tx.execute(mismatched(store_id, tx.dialect))).scalars())


async def overspent(tx: Transaction, store_id: int, totals: Mapping[int, Decimal]) -> set[int]:
    """Return the customers whose orders would come to more than a customer's may with these totals of new ones."""
    fact = customer_facts.c
    statement = select(fact.customer_id, fact.total_spent).where(
        fact.store_id == store_id, in_array(fact.customer_id, "customer_ids", tx.dialect)
    )
    rows = await tx.execute(statement, {"customer_ids": array_value(list(totals), tx.dialect)})
    return {row.customer_id for row in rows if abs(row.total_spent + totals[row.customer_id]) > MAX_SPENT}


async def may_overspend(tx: Transaction, store_id: int, customer_ids: Sequence[int], amount: Decimal) -> bool:
    """Return whether there is one of these customers whose orders would come to too much with this amount."""
    fact = customer_facts.c
    named = in_array(fact.customer_id, of_customers.IDS, tx.dialect)
    much = or_(fact.total_spent > MAX_SPENT - amount, fact.total_spent < amount - MAX_SPENT)
    statement = select(exists().where(fact.store_id == store_id, named, much))
    ids = array_value(customer_ids, tx.dialect)
    return amount > MAX_SPENT or bool(await tx.scalar(statement, {of_customers.IDS: ids}))


def _counts(bought: Subquery, dialect: str) -> Select[*tuple[Any, ...]]:
    rank = func.row_number().over(partition_by=bought.c.customer_id, order_by=bought.c.placed_at.desc())
    ranked = select(*bought.c, rank.label("rank")).subquery("ranked")
    spent = exact_sum(cast(ranked.c.total, BigInteger), dialect)
    # Orders that would bring it further are refused; those of several writers, or no longer cancelled, may yet do so.
    bounded = case((spent > _MOST_UNITS, _MOST_UNITS), (spent < -_MOST_UNITS, -_MOST_UNITS), else_=spent)
    return select(
        ranked.c.customer_id,
        func.count().label("order_count"),
        cast(bounded, BigInteger).label("total_spent"),
        func.min(ranked.c.placed_at).label("first_order_at"),
        func.max(ranked.c.placed_at).label("last_order_at"),
        *(func.max(case((ranked.c.rank == nth, ranked.c.placed_at))).label(name) for nth, name in _NTH_LAST.items()),
        (func.count() - func.count(ranked.c.total)).label("foreign_order_count"),
    ).group_by(ranked.c.customer_id)
