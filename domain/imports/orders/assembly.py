"""Makes orders of the staged rows of a file, each with its customer, before any of them is merged."""

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, insert, literal, select, update

from domain.customers.identity import customer_id_of
from domain.imports.format import ImportKey
from domain.imports.orders.amounts import units
from domain.imports.orders.rows import CUSTOMER_COLUMNS, HEAD_COLUMNS
from domain.imports.tables import import_order_rows, import_orders
from domain.kit.db import Transaction
from domain.kit.db.portable import refresh_statistics
from domain.kit.db.types import Id
from domain.orders.tables import order_customers

_AT_ONCE = 2_000
_SET = ("head", *HEAD_COLUMNS)
_row = import_order_rows.c


async def assemble(tx: Transaction, key: ImportKey) -> None:
    """Fill `import_orders` with the orders of the file; the customer is 0 where nobody is known by what they name."""
    await _join_heads(tx, key)
    await refresh_statistics(tx, import_order_rows)
    heads = {name: func.max(_row[name], type_=_row[name].type).label(name) for name in HEAD_COLUMNS}
    of_row = func.round(units(_row.price) * _row.quantity)
    of_items = (
        func.count(_row.quantity).label("lines"),
        func.sum(_row.quantity).label("pieces"),
        func.sum(of_row).label("amount"),
    )
    grouped = (
        select(
            _row.order_id,
            func.count().label("rows"),
            func.max(_row.row).label("last_row"),
            *heads.values(),
            *of_items,
        )
        .where(key.matches(_row))
        .group_by(_row.order_id)
        .subquery("grouped")
        .c
    )
    stored = order_customers.c
    is_stored = and_(stored.store_id == key.store_id, stored.order_id == grouped.order_id)
    named = customer_id_of(key.store_id, *(grouped[name] for name in CUSTOMER_COLUMNS))
    # The customer is looked up once for both columns that need it.
    found = (
        select(*grouped, stored.customer_id.label("stored_customer_id"), named.label("named_customer_id"))
        .select_from(grouped.order_id.table.outerjoin(order_customers, is_stored))
        .cte("found")
        .prefix_with("MATERIALIZED", dialect="postgresql")
        .c
    )
    columns: dict[str, ColumnElement[Any]] = {
        "store_id": literal(key.store_id),
        "operation_id": literal(key.operation_id, import_orders.c.operation_id.type),
        "customer_id": func.coalesce(found.named_customer_id, found.stored_customer_id, 0),
    }
    columns |= {name: found[name] for name in import_orders.c.keys() if name not in columns}  # noqa: SIM118 - no dict
    await tx.execute(insert(import_orders).from_select(list(columns), select(*columns.values())))
    await refresh_statistics(tx, import_orders)


async def _join_heads(tx: Transaction, key: ImportKey) -> None:
    """Let the first row of each order have all that is said of it, where its rows stand in several pieces."""
    repeated = (
        select(_row.order_id)
        .where(key.matches(_row), _row.head)
        .group_by(_row.order_id)
        .having(func.count() > 1)
        .order_by(_row.order_id)
        .limit(_AT_ONCE)
    )
    after = ""
    while order_ids := list((await tx.execute(repeated.where(_row.order_id > after))).scalars()):
        after = order_ids[-1]
        heads = select(_row.order_id, _row.row, *(_row[name] for name in HEAD_COLUMNS)).where(
            key.matches(_row), _row.head, _row.order_id.in_(order_ids)
        )
        first: dict[str, dict[str, object]] = {}
        emptied: list[dict[str, object]] = []
        for head in await tx.execute(heads.order_by(_row.order_id, _row.row)):
            said = {name: getattr(head, name) for name in HEAD_COLUMNS}
            if head.order_id not in first:
                first[head.order_id] = said | {"row": head.row}
            else:
                first[head.order_id] |= {name: value for name, value in said.items() if value is not None}
                emptied.append({**dict.fromkeys(_SET), "order_id": head.order_id, "row": head.row, "head": False})
        whole = [values | {"order_id": order_id, "head": True} for order_id, values in first.items()]
        await _set_heads(tx, key, [*whole, *emptied])


async def _set_heads(tx: Transaction, key: ImportKey, heads: list[dict[str, object]]) -> None:
    statement = (
        update(import_order_rows)
        .where(
            _row.store_id == bindparam("of_store"),
            _row.operation_id == bindparam("of_operation", type_=Id()),
            _row.order_id == bindparam("of_order"),
            _row.row == bindparam("of_row"),
        )
        .values({name: bindparam(f"new_{name}", type_=_row[name].type) for name in _SET})
    )
    keys = {"of_store": key.store_id, "of_operation": key.operation_id}
    parameters = [
        keys | {"of_order": head["order_id"], "of_row": head["row"]} | {f"new_{name}": head[name] for name in _SET}
        for head in heads
    ]
    await tx.execute(statement, parameters)
