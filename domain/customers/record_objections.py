"""Objections as they follow from customers' records, of a whole store: what is stored is compared with them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, func, literal, literal_column, select

from domain.customers.model import Consent, ObjectionReason
from domain.customers.objections import EVERY_CHANNEL
from domain.customers.tables import contacts, customers, objections


def said_by_records(store_id: int, now: datetime) -> Iterator[Select[*tuple[Any, ...]]]:
    """Yield selects of what all unsubscribed and blacklisted customers' addresses object to."""
    contact, customer = contacts.c, customers.c
    same = and_(contact.store_id == store_id, contact.customer_id == customer.id)
    is_unsubscribed = and_(
        contact.store_id == store_id,
        contact.consent == Consent.UNSUBSCRIBED.value,
    )
    moment = literal(now, objections.c.since.type)
    unsubscribed = literal(ObjectionReason.UNSUBSCRIBED.value, String)
    said_at = func.coalesce(contact.consent_at, moment)
    yield _said(contact.address, contact.channel, unsubscribed, contact.customer_id, said_at).where(
        is_unsubscribed, contact.address.is_not(None)
    )
    for own in (customer.email, customer.phone):
        yield (
            _said(own, contact.channel, unsubscribed, customer.id, said_at)
            .select_from(contacts.join(customers, and_(customer.store_id == store_id, same)))
            .where(is_unsubscribed, contact.address.is_(None), own.is_not(None))
        )
    # Written just as the partial index has it.
    is_blacklisted = and_(customer.store_id == store_id, literal_column("customers.blacklisted"))
    every, blacklisted = literal(EVERY_CHANNEL, String), literal(ObjectionReason.BLACKLISTED.value, String)
    for own in (customer.email, customer.phone):
        yield _said(own, every, blacklisted, customer.id, moment).where(is_blacklisted, own.is_not(None))
    yield (
        _said(contact.address, every, blacklisted, customer.id, moment)
        .select_from(customers.join(contacts, same))
        .where(is_blacklisted, contact.address.is_not(None))
    )


def _said(*values: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    names = ("address", "channel", "reason", "customer_id", "since")
    return select(*(value.label(name) for name, value in zip(names, values, strict=True)))
