"""A contact has an address of its own only where it differs from the customer's, so that a new e-mail moves mail."""

from collections.abc import Sequence

from muster_sdk import AddressKind
from sqlalchemy import ColumnElement, Select, String, case, literal, null, or_, select, update

from domain.addresses import AddressKinds
from domain.customers.tables import contacts, customers
from domain.kit.db import Transaction

OWN_COLUMNS = {AddressKind.EMAIL: "email", AddressKind.PHONE: "phone"}


def own_address(
    channel: ColumnElement[str], email: ColumnElement[str], phone: ColumnElement[str], kinds: AddressKinds
) -> ColumnElement[str]:
    """Return the customer's own address that a channel takes; null for handles."""
    columns = {AddressKind.EMAIL: email, AddressKind.PHONE: phone}
    owns = [(channel == key, columns[kind]) for key, kind in sorted(kinds.items()) if kind in columns]
    return case(*owns, else_=null()) if owns else literal(None, String())


async def drop_repeated(
    tx: Transaction, store_id: int, customer_ids: Sequence[int] | Select[int], kinds: AddressKinds
) -> None:
    """Delete the contacts' addresses that are the customers' own. `customer_ids` may be a select of them."""
    if not isinstance(customer_ids, Select) and not customer_ids:
        return
    of_kind = [
        contacts.c.channel.in_(channels)
        & (
            contacts.c.address
            == select(customers.c[column])
            .where(customers.c.store_id == contacts.c.store_id, customers.c.id == contacts.c.customer_id)
            .correlate(contacts)
            .scalar_subquery()
        )
        for kind, column in OWN_COLUMNS.items()
        if (channels := sorted(key for key, channel_kind in kinds.items() if channel_kind is kind))
    ]
    repeated = (
        contacts.c.store_id == store_id,
        contacts.c.customer_id.in_(customer_ids),
        contacts.c.address.is_not(None),
        or_(*of_kind),
    )
    if of_kind:
        await tx.execute(update(contacts).where(*repeated).values(address=None))
