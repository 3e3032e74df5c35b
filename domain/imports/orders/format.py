"""Files of orders: a line item a row, of customers that the store has."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, exists, select

from domain.consents.suppressions import address_hash, external_id_hash
from domain.customers import writes
from domain.customers.tables import customer_facts
from domain.imports import problems
from domain.imports.format import DirectWriter, ImportKey
from domain.imports.mapping import header_error
from domain.imports.model import ImportKind, Progress
from domain.imports.orders import amounts, batch, merge, notices, strangers
from domain.imports.orders.assembly import assemble
from domain.imports.orders.customer_range import next_range
from domain.imports.orders.rows import COLUMNS, CUSTOMER_COLUMNS, OrderReader
from domain.imports.orders.scattered import ScatteredOrders
from domain.imports.style import style_of
from domain.imports.tables import import_order_rows, import_orders
from domain.ingestion import favourite_counts
from domain.kit.db import AnyRow, Transaction
from domain.operations.model import Problem, ProblemOutcome
from domain.orders.model import MAX_AMOUNT, MAX_SPENT
from domain.orders.tables import order_items, orders

_row, _order = import_order_rows.c, import_orders.c
_AT_ONCE = 10_000


async def _suit(_tx: Transaction, _key: ImportKey, _columns: Sequence[str]) -> bool:
    return True


class OrderFormat:
    staging = import_order_rows
    # The rows of an order may be anywhere in the file: those that are not together are staged.
    direct = DirectWriter(_suit, batch.write, ScatteredOrders)
    written = (orders, order_items, customer_facts)
    kind = ImportKind.ORDERS
    names = COLUMNS

    def field(self, name: str) -> str | None:
        return name if name in COLUMNS else None

    def check_columns(self, names: Sequence[str]) -> None:
        if "order_id" not in names:
            raise header_error("The column 'order_id' is missing: orders need it to be told apart")

    async def reader(self, tx: Transaction, key: ImportKey, progress: Progress) -> OrderReader:
        return OrderReader(key, progress, await style_of(tx, key, progress), tx.dialect)

    async def complete(
        self, tx: Transaction, key: ImportKey, progress: Progress, now: datetime, *, dry_run: bool
    ) -> Progress:
        """Make orders of the staged rows; those that cannot be merged are left out, with a problem for each row."""
        if await tx.scalar(select(exists().where(key.matches(_row)))):
            progress = await self._assemble(tx, key, progress, now, dry_run=dry_run)
        return await problems.record(
            tx, key, progress, await notices.find(tx, key, progress.carried.get("noticed", {}))
        )

    async def _assemble(
        self, tx: Transaction, key: ImportKey, progress: Progress, now: datetime, *, dry_run: bool
    ) -> Progress:
        create = progress.options.create_customers
        if create:
            # Nobody else adds them meanwhile.
            await writes.take_numbers(tx, key.store_id, 0)
        await assemble(tx, key)
        if create and not dry_run:
            await strangers.add(tx, key, now)
        unknown = _order.customer_id == 0
        if create and dry_run:
            unknown = and_(unknown, ~strangers.are_named(key))
        progress = await _leave_out(tx, key, progress, unknown, _unknown_customer)
        undated = and_(_order.stored_customer_id.is_(None), _order.placed_at.is_(None))
        progress = await _leave_out(tx, key, progress, undated, _undated)
        if not await amounts.all_are_small(tx, key):
            progress = await _leave_out(tx, key, progress, amounts.too_large(), _too_large)
            progress = await _leave_out(tx, key, progress, amounts.overspent(key), _overspent)
        return progress

    async def merge_next(self, tx: Transaction, key: ImportKey, progress: Progress, now: datetime) -> Progress | None:
        customer_range = await next_range(tx, key, progress.merged_customer_id)
        if customer_range is None:
            uncounted_buyers = progress.carried.get("uncounted")
            if not uncounted_buyers:
                return None
            rest = await favourite_counts.count_next(tx, key.store_id, uncounted_buyers)
            return replace(progress, carried={**progress.carried, "uncounted": rest})
        rows = await merge.merge(tx, customer_range, now)
        return replace(progress, merged_customer_id=customer_range.until, merged_rows=progress.merged_rows + rows)


# What is wrong with an order, by its first row: the column, the value, and why.
Reason = Callable[[AnyRow], tuple[str, str | None, str]]


def _unknown_customer(head: AnyRow) -> tuple[str, str | None, str]:
    for column in CUSTOMER_COLUMNS:
        value = getattr(head, column)
        if value is not None:
            noun = column.removeprefix("customer_")
            return (
                column,
                value,
                f"no customer has the {noun} {value!r}: import the customers first, or have them created",
            )
    columns = ", ".join(CUSTOMER_COLUMNS)
    return (
        "order_id",
        head.order_id,
        f"the store does not have {head.order_id!r} yet: its customer is needed ({columns})",
    )


def _undated(head: AnyRow) -> tuple[str, str | None, str]:
    return "placed_at", None, f"says no time, and the store does not have the order {head.order_id!r} yet"


def _too_large(head: AnyRow) -> tuple[str, str | None, str]:
    message = f"the items of {head.order_id!r} come to more than an order may: {MAX_AMOUNT:,} at most"
    return "order_id", head.order_id, message


def _overspent(head: AnyRow) -> tuple[str, str | None, str]:
    message = f"with {head.order_id!r}, the customer's orders come to more than {MAX_SPENT:,}"
    return "order_id", head.order_id, message


async def _leave_out(
    tx: Transaction, key: ImportKey, progress: Progress, condition: ColumnElement[bool], reason: Reason
) -> Progress:
    """Delete the orders that meet the condition, with a problem for each of their rows."""
    wrong = and_(key.matches(_order), condition)
    if await tx.scalar(select(exists().where(wrong))):
        head = import_order_rows.alias("head")
        is_head = and_(key.matches(head.c), head.c.order_id == _row.order_id, head.c.head)
        page = (
            select(_row.row, *(head.c[name] for name in ("order_id", *CUSTOMER_COLUMNS)))
            .join(head, is_head)
            .where(key.matches(_row), _row.order_id.in_(select(_order.order_id).where(wrong)))
            .order_by(_row.row)
            .limit(_AT_ONCE)
        )
        heads = dict(zip(progress.columns, progress.heads, strict=False))
        last = 0
        while rows := (await tx.execute(page.where(_row.row > last))).all():
            refused: list[Problem] = []
            for row in rows:
                column, value, message = reason(row)
                column = heads.get(column, column)
                subject = _subject(key, row)
                message = f"{column}: {message}"
                refused.append(Problem(row.row, message, subject, column, value, ProblemOutcome.ROW_REFUSED))
            progress = await problems.record(tx, key, progress, refused)
            last = rows[-1].row
        await tx.execute(delete(import_orders).where(wrong))
    return progress


def _subject(key: ImportKey, row: AnyRow) -> bytes | None:
    """Return the hash of whom an order names."""
    if row.customer_external_id is not None:
        return external_id_hash(key.suppression_key, key.store_id, row.customer_external_id)
    address = row.customer_email or row.customer_phone
    return None if address is None else address_hash(key.suppression_key, key.store_id, address)
