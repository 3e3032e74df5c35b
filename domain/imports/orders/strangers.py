"""Adds the customers whom a file's orders name, and whom the store does not have."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update

from domain import changes
from domain.changes import ChangeKind
from domain.consents import suppressions
from domain.customers import writes
from domain.customers.identity import customer_id_of
from domain.customers.tables import customers
from domain.imports.format import ImportKey
from domain.imports.orders.rows import CUSTOMER_COLUMNS
from domain.imports.tables import import_order_rows, import_orders
from domain.kit.db import Transaction
from domain.kit.db.portable import refresh_statistics

_WRITTEN = ChangeKind.EXISTENCE | ChangeKind.PROFILE | ChangeKind.CONTACTS
_SOURCE = "import"
_AT_ONCE = 10_000
_row, _order = import_order_rows.c, import_orders.c
_names = tuple(_row[name] for name in CUSTOMER_COLUMNS)


def are_named(key: ImportKey) -> ColumnElement[bool]:
    """Return whether an order without a customer says by what its customer is to be known."""
    heads = select(_row.order_id).where(key.matches(_row), _row.head, or_(*(name.is_not(None) for name in _names)))
    return and_(_order.customer_id == 0, _order.order_id.in_(heads))


async def add(tx: Transaction, key: ImportKey, now: datetime) -> None:
    """Add a customer for each external id, else e-mail, else phone that nobody has, and give them their orders.

    Who was erased since the file was sent does not come back. The store's numbers must be locked, so that nobody is
    added twice.
    """
    erased = await _erased_since(tx, key)
    for position, name in enumerate(_names):
        is_stranger = and_(
            *(before.is_(None) for before in _names[:position]),
            name.is_not(None),
            _row.order_id.not_in(erased),
        )
        await _add_known_by(tx, key, name, is_stranger, now)


def _heads(key: ImportKey, *columns: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    """Select what the orders without a customer say of theirs."""
    unknown = select(_order.order_id).where(key.matches(_order), _order.customer_id == 0)
    return select(*columns).where(key.matches(_row), _row.head, _row.order_id.in_(unknown))


async def _add_known_by(
    tx: Transaction, key: ImportKey, name: ColumnElement[Any], is_stranger: ColumnElement[bool], now: datetime
) -> None:
    known_by = name.label("known_by")
    said = {
        "external_id": func.max(_row.customer_external_id),
        "email": func.max(_row.customer_email),
        "phone": func.max(_row.customer_phone),
        "name": func.max(_row.customer_name),
    }
    people = _heads(key, known_by, *(value.label(column) for column, value in said.items())).where(is_stranger)
    people = people.group_by(name).order_by(known_by).limit(_AT_ONCE)
    last = ""
    while page := (await tx.execute(people.where(name > last))).all():
        last = page[-1].known_by
        first = await writes.take_numbers(tx, key.store_id, len(page))
        numbers = range(first, first + len(page))
        rows = [
            writes.new_row(key.store_id, number, now)
            | {"source": _SOURCE}
            | {column: getattr(person, column) for column in said}
            for number, person in zip(numbers, page, strict=True)
        ]
        await writes.add(tx, rows)
        await changes.record_range_change(tx, key.store_id, _WRITTEN, numbers[0], numbers[-1])
        await suppressions.heed(tx, key.suppression_key, key.store_id, numbers, now)
    if last:
        await refresh_statistics(tx, customers)
        await _find(tx, key)


async def _find(tx: Transaction, key: ImportKey) -> None:
    """Give orders without a customer the one who is known by now."""
    head = import_order_rows.alias("head").c
    is_head = and_(key.matches(head), head.order_id == _order.order_id, head.head)
    known = select(customer_id_of(key.store_id, *(head[name] for name in CUSTOMER_COLUMNS))).where(is_head)
    customer_id = known.correlate(import_orders).scalar_subquery()
    await tx.execute(
        update(import_orders)
        .where(key.matches(_order), _order.customer_id == 0)
        .values(customer_id=func.coalesce(customer_id, 0), named_customer_id=customer_id)
    )


async def _erased_since(tx: Transaction, key: ImportKey) -> list[str]:
    """Return the orders of customers who were erased since the file was sent."""
    if not await suppressions.is_needed(tx, key.store_id):
        return []
    hashes: dict[str, set[bytes]] = {}
    for row in await tx.execute(_heads(key, _row.order_id, *_names)):
        external_id, addresses = row.customer_external_id, (row.customer_email, row.customer_phone)
        hashes[row.order_id] = suppressions.hashes_of(key.suppression_key, key.store_id, external_id, addresses)
    return await suppressions.erased_since(tx, key.store_id, hashes, key.sent_at)
