"""Writes the items of a file's orders, each with the customer, the time and the standing of its order."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import (
    JSON,
    ColumnElement,
    String,
    Subquery,
    TableValuedAlias,
    and_,
    cast,
    column,
    func,
    literal,
    select,
    true,
)

from domain.imports.orders.customer_range import CustomerRange
from domain.imports.orders.rows import ITEM_COLUMNS
from domain.imports.tables import import_order_rows, import_orders
from domain.kit.db import Transaction
from domain.orders import writes
from domain.orders.model import TAG
from domain.orders.tables import orders

_row, _order = import_order_rows.c, import_orders.c


async def put(tx: Transaction, batch: CustomerRange) -> None:
    """Add the items of the orders that have some in the file, and their tags."""
    position = func.row_number().over(order_by=_row.row, partition_by=_row.order_id).label("position")
    is_row = and_(batch.key.matches(_row), _row.order_id == _order.order_id)
    item = (
        select(
            literal(batch.store_id).label("store_id"),
            _row.order_id,
            position,
            orders.c.customer_id,
            orders.c.placed_at,
            and_(orders.c.counted, _row.quantity >= 0).label("counted"),
            *(_row[name] for name in (*ITEM_COLUMNS, "tags")),
        )
        .select_from(import_orders.join(import_order_rows, is_row).join(orders, batch.is_stored(orders.c)))
        .where(batch.has(), _order.lines > 0, _row.quantity.is_not(None))
        .subquery("item")
    )
    names = ("store_id", "order_id", "position", "customer_id", "placed_at", "counted", *ITEM_COLUMNS)
    async with _by_key(tx):
        await writes.add_selected_items(tx, select(*(item.c[name] for name in names)))
        is_tagged = (batch.key.matches(_row), _row.tags.is_not(None))
        if await tx.scalar(select(literal(1)).where(*is_tagged).limit(1)) is not None:
            await _put_tags(tx, item)


async def _put_tags(tx: Transaction, item: Subquery) -> None:
    tags, tag = _elements(tx, item.c.tags)
    keys = (item.c.store_id, item.c.customer_id, item.c.order_id, item.c.position)
    selected = select(*keys, literal(TAG).label("facet"), tag.label("value")).select_from(item.join(tags, true()))
    await writes.add_selected_facets(tx, selected.where(item.c.tags.is_not(None)))


def _elements(tx: Transaction, json_list: ColumnElement[str]) -> tuple[TableValuedAlias, ColumnElement[str]]:
    """Return the strings of a JSON list as a table, and its column."""
    if tx.dialect == "postgresql":
        texts = func.json_array_elements_text(cast(json_list, JSON)).table_valued(column("value", String), name="tag")
        table = texts.render_derived()
    else:
        table = func.json_each(json_list).table_valued(column("value", String), name="tag")
    return table, table.c.value


async def follow_orders(tx: Transaction, batch: CustomerRange) -> None:
    """Let items that the file does not replace have the time and the standing of their orders."""
    is_kept = (batch.has(), _order.lines == 0, _order.stored_customer_id.is_not(None), batch.is_stored(orders.c))
    async with _by_key(tx):
        await writes.update_items(tx, batch.store_id, *is_kept)


@asynccontextmanager
async def _by_key(tx: Transaction) -> AsyncGenerator[None]:
    """Have PostgreSQL look rows up by their keys: what it may not hash, it does not read from end to end each time."""
    if tx.dialect == "postgresql":
        await _allow_hashes(tx, "off")
    yield
    if tx.dialect == "postgresql":
        await _allow_hashes(tx, "on")


async def _allow_hashes(tx: Transaction, value: str) -> None:
    await tx.execute(
        select(*(func.set_config(name, value, true()) for name in ("enable_hashjoin", "enable_mergejoin")))
    )
