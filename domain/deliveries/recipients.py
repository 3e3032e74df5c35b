"""What a channel is told of each recipient."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from muster_sdk import AddressKind, Recipient
from sqlalchemy import Select, and_, bindparam, func, select

from domain.consents.links import UnsubscribeLinks, UnsubscribeToken
from domain.customers.fields import FIELDS
from domain.customers.tables import contacts, customer_properties, customers, property_definitions
from domain.deliveries.audience import addressed
from domain.deliveries.intents import Intended
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.db.portable import among, numbers
from domain.lists.tables import list_members
from domain.stores.model import Store

_SHOWN = tuple(field.name for field in FIELDS if field.in_templates)
_held = customer_properties.c


async def variables(
    tx: Transaction, store: Store, customer_ids: Sequence[int], *, with_properties: bool = True
) -> dict[int, dict[str, object]]:
    """What templates see: `customer.name`, `customer.property.KEY`, `store.name`."""
    wanted = {"store": store.id, "ids": numbers(customer_ids, tx.dialect)}
    properties: dict[int, dict[str, object]] = {}
    for customer_id, key, *values in await tx.execute(_properties(tx.dialect), wanted) if with_properties else ():
        value = next((value for value in values if value is not None), None)
        properties.setdefault(customer_id, {})[key] = _plain(value)
    shop = {"name": store.name, "currency": store.currency}
    seen: dict[int, dict[str, object]] = {}
    for customer_id, *values in await tx.execute(_customers(tx.dialect), wanted):
        # What is not known is left out: templates show nothing for it, and `default` works.
        known = zip(_SHOWN, values, strict=True)
        customer: dict[str, object] = {name: _plain(value) for name, value in known if value is not None}
        customer["property"] = properties.get(customer_id, {})
        seen[customer_id] = {"customer": customer, "store": shop}
    return seen


@cache
def _customers(dialect: str) -> Select[*tuple[Any, ...]]:
    return select(customers.c.id, *(customers.c[name] for name in _SHOWN)).where(
        customers.c.store_id == bindparam("store"), among(customers.c.id, "ids", dialect)
    )


@cache
def _properties(dialect: str) -> Select[*tuple[Any, ...]]:
    values = (_held.string, _held.number, _held.boolean, _held.date, _held.datetime)
    defined = and_(property_definitions.c.store_id == _held.store_id, property_definitions.c.id == _held.property_id)
    return (
        select(_held.customer_id, property_definitions.c.key, *values)
        .join(property_definitions, defined)
        .where(_held.store_id == bindparam("store"), among(_held.customer_id, "ids", dialect))
    )


async def first_on(tx: Transaction, store_id: int, list_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Somebody on each list, to show a message with."""
    # Each by itself is the first entry of an index; a group of all would be read from end to end.
    first = select(func.min(list_members.c.customer_id)).where(list_members.c.store_id == store_id)
    each = (first.where(list_members.c.list_id == list_id).scalar_subquery() for list_id in list_ids)
    row = (await tx.execute(select(*each))).one()
    return {list_id: found for list_id, found in zip(list_ids, row, strict=True) if found is not None}


async def addresses(
    tx: Transaction, store_id: int, customer_ids: Sequence[int], channel: str, kind: AddressKind
) -> dict[int, str]:
    """Where the channel would reach the customers."""
    of_channel = and_(
        contacts.c.store_id == store_id, contacts.c.customer_id == customers.c.id, contacts.c.channel == channel
    )
    rows = await tx.execute(
        select(customers.c.id, addressed(kind))
        .select_from(customers.outerjoin(contacts, of_channel))
        .where(customers.c.store_id == store_id, customers.c.id.in_(customer_ids))
    )
    return {customer_id: address for customer_id, address in rows if address is not None}


def recipients(
    intended: Sequence[Intended],
    known: Mapping[int, Mapping[str, object]],
    links: UnsubscribeLinks,
    store_id: int,
    campaign_id: UUID,
    channel: str,
) -> list[Recipient]:
    return [
        Recipient(
            key=ids.delivery_key(store_id, campaign_id, one.customer_id),
            address=one.address,
            variables=known.get(one.customer_id, {}),
            unsubscribe_url=links.url(UnsubscribeToken(store_id, one.customer_id, campaign_id, channel)),
        )
        for one in intended
    ]


def _plain(value: Any) -> object:
    """Templates print a number as people write it, and a date as ISO 8601."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, str | int | float):
        return value
    return value.isoformat()
