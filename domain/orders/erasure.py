"""Gives orders other ids whose own ones hold who placed them."""

from collections.abc import Collection

from sqlalchemy import func, or_, select, update

from domain.kit import ids
from domain.kit.db import Transaction
from domain.orders.tables import order_customers, order_item_facets, order_items, orders


async def rename(tx: Transaction, store_id: int, customer_id: int, texts: Collection[str]) -> dict[str, str]:
    """Rename the customer's orders whose ids hold one of the texts, in lower case. Return the new ids by the old."""
    if not texts:
        return {}
    holds = or_(*(func.lower(orders.c.id).contains(text, autoescape=True) for text in sorted(texts)))
    of_customer = (orders.c.store_id == store_id, orders.c.customer_id == customer_id)
    renamed = {
        order_id: str(ids.new())
        for order_id in (await tx.execute(select(orders.c.id).where(*of_customer, holds))).scalars()
    }
    for old_id, new_id in renamed.items():
        await tx.execute(update(orders).where(*of_customer, orders.c.id == old_id).values(id=new_id))
        for table in (order_items, order_item_facets):
            is_of_order = (
                table.c.store_id == store_id,
                table.c.customer_id == customer_id,
                table.c.order_id == old_id,
            )
            await tx.execute(update(table).where(*is_of_order).values(order_id=new_id))
        stored = order_customers.c
        is_order = (stored.store_id == store_id, stored.order_id == old_id)
        await tx.execute(update(order_customers).where(*is_order).values(order_id=new_id))
    return renamed
