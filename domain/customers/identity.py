"""Finds whom a client means: by external id, else by e-mail, else by phone."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Column, select

from domain.customers.model import Customer, CustomerChange
from domain.customers.queries import COLUMNS, customer_of
from domain.customers.tables import customers
from domain.kit.db import Transaction


async def match(tx: Transaction, store_id: int, changes: Sequence[CustomerChange]) -> list[Customer | None]:
    """The customer of each input, None for a new one."""
    externals = await _by(tx, store_id, customers.c.external_id, (change.external_id for change in changes))
    left = [c for c in changes if not isinstance(c.external_id, str) or c.external_id not in externals]
    emails = await _by(tx, store_id, customers.c.email, (change.email for change in left))
    phones = await _by(tx, store_id, customers.c.phone, (change.phone for change in left))
    return [_match(change, externals, emails, phones) for change in changes]


_Found = dict[object, list[Customer]]


def _match(change: CustomerChange, externals: _Found, emails: _Found, phones: _Found) -> Customer | None:
    if change.external_id in externals:
        return externals[change.external_id][0]
    named = isinstance(change.external_id, str)
    for found, key in ((emails, change.email), (phones, change.phone)):
        # Another external id is another person, however many share an address.
        same = [customer for customer in found.get(key, ()) if not (named and customer.external_id)]
        if same:
            return same[0]
    return None


async def _by(tx: Transaction, store_id: int, column: Column[str], keys: Iterable[object]) -> _Found:
    wanted = {key for key in keys if isinstance(key, str)}
    if not wanted:
        return {}
    rows = await tx.execute(
        select(*COLUMNS)
        .where(customers.c.store_id == store_id, column.in_(wanted))
        .order_by(customers.c.deleted_at.is_not(None), customers.c.id)
    )
    found: _Found = {}
    for row in rows:
        customer = customer_of(row)
        found.setdefault(getattr(customer, column.name), []).append(customer)
    return found
