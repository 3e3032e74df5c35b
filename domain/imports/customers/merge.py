"""Adds and updates the customers of a part's staged rows, a statement a table."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, false, func, insert, literal, or_, select, true

from domain import changes
from domain.changes import ChangeKind
from domain.customers import selected_writes, writes
from domain.customers.fields import FIELDS
from domain.customers.identity import customer_id_of
from domain.customers.model import NAMELESS, Consent
from domain.customers.own_addresses import drop_repeated
from domain.customers.tables import contacts, customer_facts, customer_properties, customer_tags, customers
from domain.imports.customers import related
from domain.imports.customers.objectors import Objectors
from domain.imports.customers.part import Part, StagedCustomers
from domain.imports.tables import import_customers, import_matches
from domain.kit.db import Transaction
from domain.kit.db.portable import ensure_statistics, refresh_statistics

_WRITTEN = ChangeKind.EXISTENCE | ChangeKind.PROFILE | ChangeKind.CONTACTS
_ADDRESSES = ("email", "phone")
_ROWS_AT_ONCE = 10_000
_staged = import_customers.c
_matched = import_matches.c


async def merge(
    tx: Transaction, part: Part, columns: Sequence[str], now: datetime, objecting_rows: Sequence[int] = ()
) -> int:
    """Merge the part's rows and return their number. `columns` are those of the file.

    Customers of the objecting rows are known to have said no, whatever the file says.
    """
    merged = 0
    objectors = Objectors()
    while True:
        first, last, count = (
            await tx.execute(select(func.min(_staged.row), func.max(_staged.row), func.count()).where(part.rows))
        ).one()
        if not count:
            break
        first_number = await writes.take_numbers(tx, part.store_id, last - first + 1)
        # A new customer's number follows from its row's.
        new_id = _staged.row + literal(first_number - first, customers.c.id.type)
        known_count = await _match(tx, part, new_id)
        repeated = await _postpone_repeated(tx, part) if known_count else 0
        if known_count:
            source = import_customers.join(import_matches, _is_match(part))
            staged = StagedCustomers(part, source, _matched.customer_id, _matched.added)
        else:
            staged = StagedCustomers(part, import_customers, new_id, None)
        await _write(tx, staged, columns, now, objectors)
        objectors.returning += await _ids_of(tx, staged, objecting_rows)
        if staged.all_new:
            await changes.record_range_change(tx, part.store_id, _WRITTEN, first_number, first_number + last - first)
        merged += int(count) - repeated
        if not repeated:
            break
        done = select(_matched.row).where(part.key.matches(_matched))
        await tx.execute(delete(import_customers).where(part.rows, _staged.row.in_(done)))
    await objectors.save(tx, part.key, now)
    return merged


async def merge_known(tx: Transaction, part: Part, columns: Sequence[str], now: datetime, objectors: Objectors) -> None:
    """Merge the part's rows, whose customers the store has: each has its match. Note those who object."""
    await refresh_statistics(tx, import_matches, import_customers)
    await ensure_statistics(tx, customers, customer_facts, contacts, customer_tags, customer_properties)
    source = import_customers.join(import_matches, _is_match(part))
    await _write(tx, StagedCustomers(part, source, _matched.customer_id, _matched.added), columns, now, objectors)


async def _match(tx: Transaction, part: Part, new_id: ColumnElement[int]) -> int:
    """Store the customer of each row, and return how many the store has; when it has none, nothing is stored."""
    await tx.execute(delete(import_matches).where(part.key.matches(_matched)))
    known_id = customer_id_of(part.store_id, _staged.external_id, _staged.email, _staged.phone)
    found = select(_staged.row, known_id.label("customer_id")).where(part.rows).cte("found")
    found = found.prefix_with("MATERIALIZED", dialect="postgresql")
    keys = (literal(part.store_id), literal(part.key.operation_id, _matched.operation_id.type))
    known = select(*keys, found.c.row, found.c.customer_id, false()).where(found.c.customer_id.is_not(None))
    inserted = await tx.execute(insert(import_matches).from_select(list(_matched.keys()), known))
    if inserted.rowcount:
        is_known = _staged.row.in_(select(_matched.row).where(part.key.matches(_matched)))
        new = select(*keys, _staged.row, new_id, true()).where(part.rows, ~is_known)
        await tx.execute(insert(import_matches).from_select(list(_matched.keys()), new))
        await refresh_statistics(tx, import_matches)
    return int(inserted.rowcount)


async def _postpone_repeated(tx: Transaction, part: Part) -> int:
    """Leave all but the first row of each customer without a match, and return how many those are."""
    of_part = part.key.matches(_matched)
    place = func.row_number().over(partition_by=_matched.customer_id, order_by=_matched.row).label("place")
    places = select(_matched.row, place).where(of_part).subquery("places")
    repeated = select(places.c.row).where(places.c.place > 1)
    deleted = await tx.execute(delete(import_matches).where(of_part, _matched.row.in_(repeated)))
    return int(deleted.rowcount)


async def _write(
    tx: Transaction, staged: StagedCustomers, columns: Sequence[str], now: datetime, objectors: Objectors
) -> None:
    names = [field.name for field in FIELDS if field.name in columns]
    if not staged.all_new:
        await _update(tx, staged, names, now)
        customer_ids = select(staged.id).select_from(staged.source).where(staged.rows)
        await changes.record_change(tx, staged.store_id, _WRITTEN, customer_ids)
    await _add(tx, staged, names, now)
    await related.merge(tx, staged, columns, now)
    if not staged.all_new or any(name.startswith("consent.") for name in columns):
        objectors.objecting += await _objecting(tx, staged)


async def _objecting(tx: Transaction, staged: StagedCustomers) -> list[int]:
    """Return the customers who are unsubscribed or blacklisted: their addresses may be new.

    Who is, a look-up by the key says for each row, and no join: that is right whatever is known of the tables' sizes.
    """
    of_contact = (contacts.c.store_id == staged.store_id, contacts.c.customer_id == staged.id)
    is_unsubscribed = contacts.c.consent == Consent.UNSUBSCRIBED.value
    objects = select(func.count()).where(*of_contact, is_unsubscribed).scalar_subquery() > 0
    if not staged.all_new:
        is_customer = (customers.c.store_id == staged.store_id, customers.c.id == staged.id)
        blacklisted = select(func.count()).where(*is_customer, customers.c.blacklisted).scalar_subquery()
        objects = or_(objects, blacklisted > 0)
    objecting = select(staged.id).select_from(staged.source).where(staged.rows, objects)
    return list((await tx.execute(objecting)).scalars())


async def _ids_of(tx: Transaction, staged: StagedCustomers, rows: Sequence[int]) -> list[int]:
    """Return the customers of those of the rows, by their numbers in the file."""
    ids: list[int] = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        is_row = _staged.row.in_(rows[start : start + _ROWS_AT_ONCE])
        ids += (await tx.execute(select(staged.id).select_from(staged.source).where(staged.rows, is_row))).scalars()
    return ids


def _is_match(part: Part) -> ColumnElement[bool]:
    return and_(part.key.matches(_matched), _matched.row == _staged.row)


async def _add(tx: Transaction, staged: StagedCustomers, names: Sequence[str], now: datetime) -> None:
    moment = literal(now, customers.c.created_at.type)
    values: dict[str, Any] = {column.name: false() for column in customers.c if not column.nullable}
    values |= {"store_id": literal(staged.store_id), "id": staged.id, "created_at": moment, "updated_at": moment}
    values |= {name: func.coalesce(_staged[name], values[name]) if name in values else _staged[name] for name in names}
    values["folded_name"] = func.coalesce(_staged.folded_name, NAMELESS)
    values["source"] = func.coalesce(_staged.source, related.SOURCE)
    columns = (value.label(name) for name, value in values.items())
    rows = select(*columns).select_from(staged.source).where(staged.new_rows).order_by(_staged.row)
    await selected_writes.add(tx, rows)


async def _update(tx: Transaction, staged: StagedCustomers, names: Sequence[str], now: datetime) -> None:
    """Update the customers that the store has.

    An empty cell leaves the value; another address is unverified unless the file says otherwise, and no longer invalid.
    """
    customer = customers.c
    addresses = [name for name in _ADDRESSES if name in names]
    if addresses:
        is_customer = and_(customer.store_id == staged.store_id, customer.id == staged.id)
        moved = (
            select(staged.id)
            .select_from(staged.source.join(customers, is_customer))
            .where(staged.rows, ~_matched.added, or_(*(_differs(name) for name in addresses)))
        )
        await drop_repeated(tx, staged.store_id, moved, staged.part.key.address_kinds)
        await writes.clear_invalid(tx, staged.store_id, moved)
    written = [*names, "folded_name"] if "name" in names else names
    values: dict[str, Any] = {name: func.coalesce(_staged[name], customer[name]) for name in written}
    for name in addresses:
        verified = f"{name}_verified"
        values[verified] = func.coalesce(_staged[verified], and_(customer[verified], ~_differs(name)))
    await selected_writes.update_and_restore(
        tx,
        staged.store_id,
        values,
        now,
        customer.id == _matched.customer_id,
        ~_matched.added,
        _is_match(staged.part),
        staged.rows,
        or_(customer.deleted_at.is_not(None), *(_differs(name) for name in names)),
    )


def _differs(name: str) -> ColumnElement[bool]:
    return and_(_staged[name].is_not(None), customers.c[name].is_distinct_from(_staged[name]))
