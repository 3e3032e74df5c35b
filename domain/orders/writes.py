"""Writes orders, their items and the items' facets, many at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, insert

from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into
from domain.orders import rows
from domain.orders.model import PlacedOrder
from domain.orders.tables import order_item_facets, order_items, orders


async def add(
    tx: Transaction, store_id: int, placed_orders: Sequence[PlacedOrder], timezone: str, now: datetime
) -> None:
    """Add new orders with their items."""
    if not placed_orders:
        return
    order_rows = [rows.order_row(store_id, placed.order, placed.customer_id, timezone, now) for placed in placed_orders]
    await tx.execute(insert(orders), order_rows)
    items = [row for placed in placed_orders for row in rows.item_rows(store_id, placed.order, placed.customer_id)]
    if items:
        await tx.execute(insert(order_items), items)
    facets = [row for placed in placed_orders for row in rows.facet_rows(store_id, placed.order)]
    if facets:
        await tx.execute(insert(order_item_facets), facets)


async def put_selected(tx: Transaction, selected: Select[*tuple[Any, ...]]) -> None:
    """Add the orders that a select gives, or update those that the store has; its columns bear the names of theirs."""
    names = selected.selected_columns.keys()
    statement = insert_into(orders, tx.dialect).from_select(names, selected)
    changed = {name: statement.excluded[name] for name in names if not orders.c[name].primary_key}
    await tx.execute(statement.on_conflict_do_update(index_elements=["store_id", "id"], set_=changed))


async def add_selected_items(tx: Transaction, selected: Select[*tuple[Any, ...]]) -> None:
    """Add the items that a select gives, whose columns bear the names of theirs."""
    await tx.execute(insert(order_items).from_select(selected.selected_columns.keys(), selected))


async def delete_items(tx: Transaction, store_id: int, order_ids: Select[str]) -> None:
    """Delete the items, and their facets, of the orders that a select of their ids gives."""
    for table in (order_items, order_item_facets):
        await tx.execute(delete(table).where(table.c.store_id == store_id, table.c.order_id.in_(order_ids)))
