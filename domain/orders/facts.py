"""Counts each customer's orders into `customer_facts`, in the transaction that changed them."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, and_, case, cast, func, literal, or_, select

from domain.customers.tables import customer_facts
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into
from domain.kit.db.types import Money
from domain.orders import favourites
from domain.orders.tables import orders

_RECENT = {2: "order_2_at", 3: "order_3_at", 4: "order_4_at", 5: "order_5_at", 10: "order_10_at"}
_COUNTED = ("order_count", "total_spent", "first_order_at", "last_order_at", *_RECENT.values())
_AT_ONCE = 10_000


async def recount(tx: Transaction, store_id: int, customers: Select[Any]) -> None:
    """Count again for the customers that a select of their ids gives.

    A count, not an addition: late, backdated and cancelled orders need no thought of their own.
    """
    affected = customers.subquery("affected")
    (customer_id,) = affected.c
    counted = _counts(store_id, orders.c.customer_id.in_(select(customer_id))).subquery("counted")
    found = (
        select(
            literal(store_id),
            customer_id,
            func.coalesce(counted.c.order_count, 0),
            func.coalesce(counted.c.total_spent, 0, type_=Money()),
            *(counted.c[name] for name in _COUNTED[2:]),
        )
        .select_from(affected.outerjoin(counted, counted.c.customer_id == customer_id))
        # SQLite takes ON CONFLICT behind a select for a join's unless a WHERE stands between.
        .where(customer_id.is_not(None))
    )
    statement = insert_into(customer_facts, tx.dialect).from_select(["store_id", "customer_id", *_COUNTED], found)
    changed = or_(*(customer_facts.c[name].is_distinct_from(statement.excluded[name]) for name in _COUNTED))
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["store_id", "customer_id"],
            set_={name: statement.excluded[name] for name in _COUNTED},
            where=changed,
        )
    )
    await favourites.recount(tx, store_id, customers)


async def recount_ids(tx: Transaction, store_id: int, ids: Iterable[int]) -> None:
    """The same for ids at hand."""
    known = sorted(set(ids))
    for at in range(0, len(known), _AT_ONCE):
        part = known[at : at + _AT_ONCE]
        of = customer_facts.c
        # Every customer has a row of facts from the first.
        await recount(tx, store_id, select(of.customer_id).where(of.store_id == store_id, of.customer_id.in_(part)))


async def mismatches(tx: Transaction, store_id: int) -> list[int]:
    """Customers whose facts are not what a count of their orders gives."""
    counted = _counts(store_id, literal(True)).subquery("counted")
    kept = customer_facts
    pairs = kept.outerjoin(counted, counted.c.customer_id == kept.c.customer_id)
    differs = or_(
        kept.c.order_count != func.coalesce(counted.c.order_count, 0),
        kept.c.total_spent != func.coalesce(counted.c.total_spent, 0, type_=Money()),
        *(kept.c[name].is_distinct_from(counted.c[name]) for name in _COUNTED[2:]),
    )
    rows = await tx.execute(
        select(kept.c.customer_id)
        .select_from(pairs)
        .where(kept.c.store_id == store_id, differs)
        .order_by(kept.c.customer_id)
    )
    return list(rows.scalars())


def _counts(store_id: int, which: ColumnElement[bool]) -> Select[Any]:
    ranked = _ranked(store_id, which)
    return select(
        ranked.c.customer_id,
        func.count().label("order_count"),
        cast(func.sum(cast(ranked.c.total, BigInteger)), BigInteger).label("total_spent"),
        func.min(ranked.c.placed_at).label("first_order_at"),
        func.max(ranked.c.placed_at).label("last_order_at"),
        *(func.max(case((ranked.c.place == place, ranked.c.placed_at))).label(name) for place, name in _RECENT.items()),
    ).group_by(ranked.c.customer_id)


def _ranked(store_id: int, which: ColumnElement[bool]) -> Subquery:
    place = func.row_number().over(partition_by=orders.c.customer_id, order_by=orders.c.placed_at.desc())
    return (
        select(orders.c.customer_id, orders.c.placed_at, orders.c.total, place.label("place"))
        .where(and_(orders.c.store_id == store_id, orders.c.counted, which))
        .subquery("ranked")
    )
