"""Customers with orders, written straight into the rows that scores are made of."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import delete, insert, select

from domain.customers.tables import customer_facts, customers
from domain.kit.db import Transaction
from domain.lifecycle.tables import customer_scores, lifecycles
from domain.orders.facts import recount_ids
from domain.orders.tables import orders
from tests.factories import NOW

Orders = Sequence[tuple[datetime, Decimal]]


def orders_days_ago(*days: float, total: int = 10) -> Orders:
    return [(NOW - timedelta(days=number_of_days), Decimal(total)) for number_of_days in days]


async def store_orders(tx: Transaction, store_id: int, bought: Mapping[int, Orders], **row: object) -> None:
    """Replaces the store's customers by these."""
    for table in (orders, customer_facts, customers, customer_scores, lifecycles):
        await tx.execute(delete(table))
    common: dict[str, object] = dict.fromkeys(("email_verified", "phone_verified", "member", "blacklisted"), False)
    common |= {"created_at": NOW, "updated_at": NOW, **row}
    placed = {"store_id": store_id, "status": "completed", "counted": True, "updated_at": NOW}
    if bought:
        await tx.execute(
            insert(customers), [{"store_id": store_id, "id": customer_id, **common} for customer_id in bought]
        )
    for customer, all_of_them in bought.items():
        for at, (moment, total) in enumerate(all_of_them):
            row_ = {"id": f"{customer}-{at}", "customer_id": customer, "placed_at": moment, "total": total}
            await tx.execute(insert(orders).values(**placed, **row_))
    ids = select(customers.c.id).where(customers.c.store_id == store_id)
    await recount_ids(tx, store_id, (await tx.execute(ids)).scalars())
