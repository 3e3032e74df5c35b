"""Merges the orders of a file into the store's, and counts them for their customers."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, delete, func, literal, null, select, type_coerce

from domain import changes
from domain.changes import ChangeKind
from domain.consents import suppressions
from domain.customers import writes as customer_writes
from domain.customers.queries import IS_SOMEBODY
from domain.customers.tables import customers
from domain.events.tables import events
from domain.events.types import ORDER_CHANGES
from domain.imports.orders import items
from domain.imports.orders.customer_range import CustomerRange
from domain.imports.tables import import_orders
from domain.kit.db import Transaction
from domain.kit.db.zones import local_time
from domain.orders import changes as order_changes
from domain.orders import facts, statuses, writes
from domain.orders.model import DEFAULT_STATUS, SaleRules
from domain.orders.tables import orders

SOURCE = "import"
_order = import_orders.c


async def merge(tx: Transaction, batch: CustomerRange, now: datetime) -> int:
    """Write what the file says of the range's orders, count them for their customers, and return the number of rows."""
    store_id = batch.store_id
    # Whoever else writes orders waits.
    await customer_writes.take_numbers(tx, store_id, 0)
    rules = await statuses.rules(tx, store_id)
    await _leave_out_nobody(tx, batch)
    is_kept = and_(_order.stored_customer_id.is_not(None), _order.lines == 0)
    counts = select(
        func.coalesce(func.sum(_order.rows), 0),
        func.count(_order.stored_customer_id),
        func.count(case((is_kept, 1))),
    )
    rows, stored_count, kept_count = (await tx.execute(counts.where(batch.has()))).one()
    assigned = select(_order.order_id, _order.customer_id).where(batch.has())
    replaced = select(_order.order_id).where(batch.has(), _order.lines > 0)
    previous_customer_ids = await writes.assign(tx, store_id, assigned, replaced)
    await _put_orders(tx, batch, rules, now, some_stored=stored_count > 0)
    await items.put(tx, batch)
    if kept_count:
        await items.follow_orders(tx, batch)
    await _apply_changes(tx, batch, rules)
    customer_ids = list((await tx.execute(batch.customer_ids())).scalars())
    await facts.recount_ids(tx, store_id, [*customer_ids, *previous_customer_ids])
    await changes.record_change(tx, store_id, ChangeKind.ORDERS, batch.customer_ids())
    await changes.record_change(tx, store_id, ChangeKind.ORDERS, previous_customer_ids)
    is_later = orders.c.placed_at > literal(now, orders.c.placed_at.type)
    future = select(orders.c.customer_id, orders.c.placed_at).join(import_orders, batch.is_stored(orders.c))
    await changes.record_future_changes(tx, store_id, ChangeKind.ORDERS, future.where(batch.has(), is_later))
    return int(rows)


async def _leave_out_nobody(tx: Transaction, batch: CustomerRange) -> None:
    """Delete the orders of customers who were erased since the file was read."""
    if await suppressions.is_needed(tx, batch.store_id):
        in_range = and_(customers.c.id > batch.after, customers.c.id <= batch.until)
        somebody = select(customers.c.id).where(customers.c.store_id == batch.store_id, in_range, IS_SOMEBODY)
        await tx.execute(delete(import_orders).where(batch.has(), _order.customer_id.not_in(somebody)))


async def _apply_changes(tx: Transaction, batch: CustomerRange, rules: SaleRules) -> None:
    """Apply to the orders what events say of them: they were cancelled, refunded or updated; most stores have none."""
    is_change = (events.c.store_id == batch.store_id, events.c.type.in_(ORDER_CHANGES))
    if await tx.scalar(select(literal(1)).where(*is_change).limit(1)) is not None:
        order_ids = select(_order.order_id).where(batch.has())
        subjects = select(events.c.subject).distinct().where(*is_change, events.c.subject.in_(order_ids))
        await order_changes.apply_changes(tx, batch.store_id, (await tx.execute(subjects)).scalars(), rules)


async def _put_orders(
    tx: Transaction, batch: CustomerRange, rules: SaleRules, now: datetime, *, some_stored: bool
) -> None:
    """Insert the orders, or update them; what the file does not say of an order stays as it is."""
    stored = orders.alias("stored")
    before: dict[str, ColumnElement[Any]] = {
        column.name: stored.c[column.name] if some_stored else cast(null(), column.type) for column in orders.c
    }
    source = import_orders.outerjoin(stored, batch.is_stored(stored.c)) if some_stored else import_orders

    def said_or(name: str) -> ColumnElement[Any]:
        return func.coalesce(_order[name], before[name], type_=orders.c[name].type)

    # An order without a status of its own has that of its payment.
    follows = and_(_order.payment_status.is_not(None), before["status"] == before["payment_status"])
    status = func.coalesce(
        case((_order.status.is_not(None), _order.status), (follows, _order.payment_status), else_=before["status"]),
        _order.payment_status,
        DEFAULT_STATUS,
    )
    payment_status, placed_at, currency = said_or("payment_status"), said_or("placed_at"), said_or("currency")
    has_lines = _order.lines > 0
    amount = case((has_lines, cast(_order.amount, BigInteger)))
    said_total, total, foreign_total, refunded = (
        type_coerce(column, BigInteger())
        for column in (_order.total, before["total"], before["foreign_total"], before["refunded"])
    )
    # Refunds are subtracted again by the events that say so.
    paid = func.coalesce(said_total, amount, total + refunded, foreign_total, 0)
    pieces = case((has_lines, _order.pieces), else_=func.coalesce(before["quantity"], 0))
    words = await statuses.words_of(tx, source, status, payment_status, batch.has())
    when = local_time(placed_at, rules.timezone, tx.dialect)
    is_own = (currency.is_(None)) | (currency == rules.currency)
    columns: dict[str, ColumnElement[Any]] = {
        "store_id": literal(batch.store_id),
        "id": _order.order_id,
        "customer_id": _order.customer_id,
        "placed_at": placed_at,
        "status": status,
        **{name: said_or(name) for name in ("delivery_status", "coupon", "campaign")},
        "payment_status": payment_status,
        "currency": currency,
        "counted": statuses.is_counted(rules, words, status, payment_status, paid, pieces),
        "total": case((is_own, paid)),
        "foreign_total": case((is_own, null()), else_=paid),
        "refunded": literal(0),
        "lines": case((has_lines, _order.lines), else_=func.coalesce(before["lines"], 0)),
        "quantity": pieces,
        "source": func.coalesce(_order.source, before["source"], SOURCE),
        "weekday": when.weekday,
        "month_day": when.month_day,
        "hour": when.hour,
        "updated_at": literal(now, orders.c.updated_at.type),
    }
    selected = select(*(column.label(name) for name, column in columns.items())).select_from(source)
    await writes.put_selected(tx, selected.where(batch.has()))
