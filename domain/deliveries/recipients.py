"""What a channel is told of each recipient."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from muster_sdk import AddressKind, Recipient
from sqlalchemy import and_, bindparam, func, select

from domain import ids
from domain.consents.model import UnsubscribeLinks, Unsubscribing
from domain.customers.tables import contacts, customer_properties, customers, property_definitions
from domain.db import Transaction
from domain.deliveries.audience import addressed
from domain.deliveries.intents import Intended
from domain.lists.tables import list_members
from domain.stores.model import Store

_SHOWN = ("external_id", "name", "email", "phone", "gender", "birthday", "locale", "country", "city", "tier")
_CUSTOMERS = select(customers.c.id, *(customers.c[name] for name in _SHOWN)).where(
    customers.c.store_id == bindparam("store_id"), customers.c.id.in_(bindparam("ids", expanding=True))
)
_held = customer_properties.c
_PROPERTIES = (
    select(
        _held.customer_id,
        property_definitions.c.key,
        _held.string,
        _held.number,
        _held.boolean,
        _held.date,
        _held.datetime,
    )
    .join(
        property_definitions,
        (property_definitions.c.store_id == _held.store_id) & (property_definitions.c.id == _held.property_id),
    )
    .where(_held.store_id == bindparam("store_id"), _held.customer_id.in_(bindparam("ids", expanding=True)))
)


async def variables(tx: Transaction, store: Store, customer_ids: Sequence[int]) -> dict[int, dict[str, object]]:
    """What templates see: `customer.name`, `customer.property.KEY`, `store.name`."""
    wanted = {"store_id": store.id, "ids": list(customer_ids)}
    properties: dict[int, dict[str, object]] = {}
    for customer_id, key, *values in await tx.execute(_PROPERTIES, wanted):
        value = next((value for value in values if value is not None), None)
        properties.setdefault(customer_id, {})[key] = _plain(value)
    shop = {"name": store.name, "currency": store.currency}
    seen: dict[int, dict[str, object]] = {}
    for customer_id, *values in await tx.execute(_CUSTOMERS, wanted):
        # What is not known is left out: templates show nothing for it, and `default` works.
        known = zip(_SHOWN, values, strict=True)
        customer: dict[str, object] = {name: _plain(value) for name, value in known if value is not None}
        customer["property"] = properties.get(customer_id, {})
        seen[customer_id] = {"customer": customer, "store": shop}
    return seen


async def first_on(tx: Transaction, store_id: int, list_id: UUID) -> int | None:
    """Somebody on the list, to show a message with."""
    members = list_members.c.store_id == store_id, list_members.c.list_id == list_id
    customer_id: int | None = await tx.scalar(select(func.min(list_members.c.customer_id)).where(*members))
    return customer_id


async def address(tx: Transaction, store_id: int, customer_id: int, channel: str, kind: AddressKind) -> str | None:
    """Where the channel would reach the customer."""
    of_channel = and_(
        contacts.c.store_id == store_id, contacts.c.customer_id == customers.c.id, contacts.c.channel == channel
    )
    found: str | None = await tx.scalar(
        select(addressed(kind))
        .select_from(customers.outerjoin(contacts, of_channel))
        .where(customers.c.store_id == store_id, customers.c.id == customer_id)
    )
    return found


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
            unsubscribe_url=links.url(Unsubscribing(store_id, one.customer_id, campaign_id, channel)),
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
