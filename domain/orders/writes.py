"""Writes orders, their items and the items' facets, many at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)

from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import ensure_statistics, insert_into
from domain.orders import rows
from domain.orders.model import PlacedOrder, SaleRules
from domain.orders.tables import order_customers, order_item_facets, order_items, orders


async def add(
    tx: Transaction, store_id: int, placed_orders: Sequence[PlacedOrder], rules: SaleRules, now: datetime
) -> None:
    """Add new orders with their items."""
    if not placed_orders:
        return
    customer_rows = [rows.customer_row(store_id, placed.order, placed.customer_id) for placed in placed_orders]
    await tx.execute(insert(order_customers), customer_rows)
    order_rows = [rows.order_row(store_id, placed.order, placed.customer_id, rules, now) for placed in placed_orders]
    await tx.execute(insert(orders), order_rows)
    items = [
        row for placed in placed_orders for row in rows.item_rows(store_id, placed.order, placed.customer_id, rules)
    ]
    if items:
        await tx.execute(insert(order_items), items)
    facets = [row for placed in placed_orders for row in rows.facet_rows(store_id, placed.order, placed.customer_id)]
    if facets:
        await tx.execute(insert(order_item_facets), facets)


async def claim(tx: Transaction, store_id: int, customer_ids: Mapping[str, int]) -> set[str]:
    """Give orders that the store does not have yet their customers, and return their ids."""
    if not customer_ids:
        return set()
    order_id: ColumnElement[str]
    customer_id: ColumnElement[int]
    if tx.dialect == "postgresql":
        texts, numbers = (
            literal(list(customer_ids), ARRAY(Text)),
            literal(list(customer_ids.values()), ARRAY(BigInteger)),
        )
        named = func.unnest(texts, numbers).table_valued("order_id", "customer_id", name="named").render_derived().c
        order_id, customer_id = named.order_id, named.customer_id
    else:
        pairs = literal(orjson.dumps(list(customer_ids.items())).decode(), Text)
        pair = func.json_each(pairs).table_valued("value", name="named").c.value
        order_id, customer_id = func.json_extract(pair, "$[0]"), func.json_extract(pair, "$[1]")
    rows = select(literal(store_id), order_id, customer_id).where(true())
    statement = insert_into(order_customers, tx.dialect).from_select(list(order_customers.c.keys()), rows)
    claimed = await tx.execute(statement.on_conflict_do_nothing().returning(order_customers.c.order_id))
    return set(claimed.scalars())


async def put_selected(tx: Transaction, selected: Select[*tuple[Any, ...]]) -> None:
    """Add the orders that a select gives, or update those that the store has; its columns bear the names of theirs."""
    names = selected.selected_columns.keys()
    statement = insert_into(orders, tx.dialect).from_select(names, selected)
    changed = {name: statement.excluded[name] for name in names if not orders.c[name].primary_key}
    keys = [column.name for column in orders.primary_key]
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))


async def add_selected_items(tx: Transaction, selected: Select[*tuple[Any, ...]]) -> None:
    """Add the items that a select gives, whose columns bear the names of theirs."""
    await tx.execute(insert(order_items).from_select(selected.selected_columns.keys(), selected))


async def add_selected_facets(tx: Transaction, selected: Select[*tuple[Any, ...]]) -> None:
    """Add the facets that a select gives, whose columns bear the names of theirs."""
    await tx.execute(insert(order_item_facets).from_select(selected.selected_columns.keys(), selected))


async def update_items(tx: Transaction, store_id: int, *conditions: ColumnElement[bool]) -> None:
    """Let the items of the orders that meet the conditions have the time of their orders, and count as they do."""
    item = order_items.c
    is_of_order = (
        orders.c.store_id == store_id,
        item.store_id == store_id,
        item.customer_id == orders.c.customer_id,
        item.order_id == orders.c.id,
    )
    # What is taken back is not bought.
    values = {"counted": and_(orders.c.counted, item.quantity >= 0), "placed_at": orders.c.placed_at}
    differs = or_(*(item[name] != value for name, value in values.items()))
    await tx.execute(update(order_items).where(*is_of_order, *conditions, differs).values(values))


async def assign(tx: Transaction, store_id: int, assigned: Select[str, int], replaced: Select[str]) -> list[int]:
    """Give each order of a select of order ids and customer ids to its customer; `replaced` ones lose their items.

    The orders' ids are locked until the transaction ends. Return the customers who had one of the orders before.
    """
    order_id, customer_id = assigned.subquery("assigned").c
    stored = order_customers.c
    rows = select(literal(store_id), order_id, customer_id).where(order_id.is_not(None)).order_by(order_id)
    statement = insert_into(order_customers, tx.dialect).from_select(list(stored.keys()), rows)
    # Where nothing is updated, the rows that conflict are locked all the same.
    unchanged = {"customer_id": statement.excluded.customer_id}
    keys = ["store_id", "order_id"]
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=unchanged, where=false()))
    # Before its first rows are counted, PostgreSQL would make the orders anew for each order that is stored.
    await ensure_statistics(tx, order_customers, orders, order_items)
    await _delete_items(tx, store_id, replaced)
    moved = select(stored.order_id, stored.customer_id, customer_id.label("next_customer_id")).where(
        stored.store_id == store_id, stored.order_id == order_id, stored.customer_id != customer_id
    )
    moves = list(await tx.execute(moved))
    if moves:
        await _move(tx, store_id, moves)
    return sorted({move.customer_id for move in moves})


async def _move(tx: Transaction, store_id: int, moves: Sequence[AnyRow]) -> None:
    """Give orders and their items to other customers: their rows are copied, for the customer is part of the key."""
    parameters = [
        {"order": move.order_id, "previous": move.customer_id, "next": move.next_customer_id} for move in moves
    ]
    next_customer_id = bindparam("next", type_=orders.c.customer_id.type)
    for table, order_id in (
        (orders, orders.c.id),
        (order_items, order_items.c.order_id),
        (order_item_facets, order_item_facets.c.order_id),
    ):
        is_order = (
            table.c.store_id == store_id,
            table.c.customer_id == bindparam("previous"),
            order_id == bindparam("order"),
        )
        values = [next_customer_id if column.name == "customer_id" else column for column in table.c]
        await tx.execute(insert(table).from_select(table.c.keys(), select(*values).where(*is_order)), parameters)
        await tx.execute(delete(table).where(*is_order), parameters)
    stored = order_customers.c
    is_moved = (stored.store_id == store_id, stored.order_id == bindparam("order"))
    await tx.execute(update(order_customers).where(*is_moved).values(customer_id=next_customer_id), parameters)


async def _delete_items(tx: Transaction, store_id: int, order_ids: Select[str]) -> None:
    stored = order_customers.c
    keys = select(stored.customer_id, stored.order_id).where(
        stored.store_id == store_id, stored.order_id.in_(order_ids)
    )
    for table in (order_items, order_item_facets):
        is_of_order = tuple_(table.c.customer_id, table.c.order_id).in_(keys)
        await tx.execute(delete(table).where(table.c.store_id == store_id, is_of_order))
