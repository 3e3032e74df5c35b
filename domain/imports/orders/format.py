"""Files of orders: a line item a row, of customers that the store has."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, exists, func, select

from domain.consents.suppressions import external_id_hash
from domain.customers.tables import customer_facts, customers
from domain.imports import problems
from domain.imports.format import ImportKey
from domain.imports.header import header_error, refuse_unknown
from domain.imports.model import Progress
from domain.imports.orders import amounts, merge
from domain.imports.orders.rows import COLUMNS, REQUIRED, OrderReader
from domain.imports.style import style_of
from domain.imports.tables import import_orders
from domain.kit.db import Transaction
from domain.operations.model import Problem, ProblemOutcome
from domain.orders.model import MAX_AMOUNT, MAX_SPENT
from domain.orders.tables import order_items, orders

_staged = import_orders.c
_AT_ONCE = 10_000


class OrderFormat:
    staging = import_orders
    written = (orders, order_items, customer_facts)

    def check_columns(self, names: Sequence[str]) -> None:
        refuse_unknown(names, lambda name: name in COLUMNS, COLUMNS)
        missing = next((name for name in REQUIRED if name not in names), None)
        if missing is not None:
            raise header_error(f"The column {missing!r} is missing: orders need {', '.join(REQUIRED)}")

    async def reader(self, tx: Transaction, key: ImportKey, progress: Progress) -> OrderReader:
        return OrderReader(key, progress, await style_of(tx, key, progress), tx.dialect)

    async def complete(
        self, tx: Transaction, key: ImportKey, progress: Progress, now: datetime, *, dry_run: bool
    ) -> Progress:
        """Delete the rows that cannot be merged, with a problem for each."""
        known = exists().where(
            customers.c.store_id == key.store_id, customers.c.external_id == _staged.customer_external_id
        )
        message = "customer_external_id: no customer has the external_id {!r}: import the customers first"
        unknown = and_(key.matches(_staged), ~known)
        progress = await _leave_out(tx, key, progress, unknown, _staged.customer_external_id, message)
        if await amounts.all_are_small(tx, key):
            return progress
        message = f"order_id: the items of {{!r}} come to more than an order may: {MAX_AMOUNT:,} at most"
        progress = await _leave_out(tx, key, progress, amounts.too_large(key), _staged.order_id, message)
        message = f"order_id: with {{!r}}, the customer's orders come to more than {MAX_SPENT:,}"
        return await _leave_out(tx, key, progress, amounts.overspent(key), _staged.order_id, message)

    async def merge_next(self, tx: Transaction, key: ImportKey, progress: Progress, now: datetime) -> Progress | None:
        customer_range = await merge.next_range(tx, key, progress.merged_customer)
        if customer_range is None:
            return None
        rows = await merge.merge(tx, customer_range, now)
        return replace(progress, merged_customer=customer_range.until, merged_rows=progress.merged_rows + rows)


async def _leave_out(
    tx: Transaction,
    key: ImportKey,
    progress: Progress,
    rows: ColumnElement[bool],
    named: ColumnElement[str],
    message: str,
) -> Progress:
    """Delete staged rows, with a problem for each; its message has the value of a column."""
    count = int(await tx.scalar(select(func.count()).select_from(import_orders).where(rows)))
    if count:
        last = 0
        page = select(_staged.row, named, _staged.customer_external_id).where(rows).order_by(_staged.row)
        while named_rows := (await tx.execute(page.where(_staged.row > last).limit(_AT_ONCE))).all():
            refused = [
                Problem(
                    number,
                    message.format(name),
                    external_id_hash(key.suppression_key, key.store_id, customer),
                    outcome=ProblemOutcome.ROW_REFUSED,
                )
                for number, name, customer in named_rows
            ]
            progress = await problems.record(tx, key, progress, refused)
            last = named_rows[-1].row
        await tx.execute(delete(import_orders).where(rows))
    return progress
