"""Finds the customers that clients name: by external id, else by e-mail, else by phone."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Column, select

from domain.customers.model import Customer, CustomerChange
from domain.customers.queries import COLUMNS, customer_of
from domain.customers.tables import customers
from domain.kit.db import Transaction


async def match(tx: Transaction, store_id: int, changes: Sequence[CustomerChange]) -> list[Customer | None]:
    """Return the customer of each input, None for a new one."""
    by_external_id = await _customers_by(
        tx, store_id, customers.c.external_id, (change.external_id for change in changes)
    )
    unmatched = [change for change in changes if change.external_id not in by_external_id]
    by_email = await _customers_by(tx, store_id, customers.c.email, (change.email for change in unmatched))
    by_phone = await _customers_by(tx, store_id, customers.c.phone, (change.phone for change in unmatched))
    matches: list[Customer | None] = []
    for change in changes:
        if change.external_id in by_external_id:
            matches.append(by_external_id[change.external_id][0])
            continue
        candidates = [*by_email.get(change.email, ()), *by_phone.get(change.phone, ())]
        if isinstance(change.external_id, str):
            # Another external id is another person, however many share an address.
            candidates = [customer for customer in candidates if not customer.external_id]
        matches.append(candidates[0] if candidates else None)
    return matches


async def _customers_by(
    tx: Transaction, store_id: int, column: Column[str], keys: Iterable[object]
) -> dict[object, list[Customer]]:
    """Return the customers of each key, those that are not deleted first."""
    known_keys = {key for key in keys if isinstance(key, str)}
    if not known_keys:
        return {}
    rows = await tx.execute(
        select(*COLUMNS)
        .where(customers.c.store_id == store_id, column.in_(known_keys))
        .order_by(customers.c.deleted_at.is_not(None), customers.c.id)
    )
    customers_by_key: dict[object, list[Customer]] = {}
    for row in rows:
        customer = customer_of(row)
        customers_by_key.setdefault(getattr(customer, column.name), []).append(customer)
    return customers_by_key
