"""Contacts: a customer's address on each channel, and its consent."""

from datetime import datetime

import strawberry
from muster_sdk import AddressKind

from api.graphql.kit.context import Context
from domain.addresses import KNOWN_KINDS
from domain.customers import model, queries
from domain.customers.model import Consent


@strawberry.type
class Contact:
    channel: str
    address: str = strawberry.field(description="An e-mail address, a phone number, a LINE user ID, ...")
    consent: Consent
    consent_at: datetime | None
    invalid: bool = strawberry.field(
        description="Whether the address is known to fail: hard bounce, blocked, unreachable."
    )


async def contacts_of(context: Context, customer: model.Customer) -> list[Contact]:
    """Return the customer's contacts by channel: stored ones, and those that the profile's own address makes."""
    stored = {contact.channel: contact for contact in await context.load(queries.contacts_of, customer.id)}
    channels = context.services.channels.addresses
    kinds = {**KNOWN_KINDS, **channels}
    profile = {AddressKind.EMAIL: customer.email, AddressKind.PHONE: customer.phone}
    contacts: list[Contact] = []
    for channel in sorted({*stored, *channels}):
        kind = kinds.get(channel)
        contact = stored.get(channel, model.Contact(channel, None, Consent.NOT_SUBSCRIBED, None, invalid=False))
        address = contact.address or (profile.get(kind) if kind else None)
        if channel in stored or address is not None:
            contacts.append(
                Contact(
                    channel=channel,
                    address=address or "",
                    consent=contact.consent,
                    consent_at=contact.consent_at,
                    invalid=contact.invalid,
                )
            )
    return contacts
