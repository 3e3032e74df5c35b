"""Inputs of customers' profiles."""

from datetime import date, datetime
from typing import Any

import strawberry

from api.graphql.customers.addresses import AddressInput
from api.graphql.kit.enums import expose
from api.graphql.kit.scalars import JSON
from domain.customers.fields import FIELDS
from domain.customers.model import AccountStatus, Consent, ContactChange, CustomerChange, Gender, PropertyChange
from domain.kit.values import UNSET

expose(Gender)
expose(AccountStatus)
expose(Consent, {Consent.NOT_SUBSCRIBED: "Never asked, or never answered."})


@strawberry.input
class CustomerPropertyInput:
    key: str
    value: JSON | None = strawberry.field(default=None, description="Null deletes the value.")


@strawberry.input
class ContactInput:
    channel: str
    address: str = strawberry.field(
        description=(
            "Checked as the customer's own is, by the channel's kind: an e-mail address, a phone number, or a "
            "provider's ID. One that is the customer's own, or empty, follows the customer's."
        )
    )
    consent: Consent | None = None


@strawberry.input(
    description=(
        "Found by externalId, else by e-mail, else by phone. Fields left out keep their values; null clears a value."
    )
)
class CustomerInput:
    external_id: strawberry.Maybe[str | None]
    name: strawberry.Maybe[str | None]
    first_name: strawberry.Maybe[str | None]
    last_name: strawberry.Maybe[str | None]
    company: strawberry.Maybe[str | None]
    email: strawberry.Maybe[str | None]
    email_verified: strawberry.Maybe[bool | None]
    phone: strawberry.Maybe[str | None]
    phone_verified: strawberry.Maybe[bool | None]
    gender: strawberry.Maybe[Gender | None]
    birthday: strawberry.Maybe[date | None]
    locale: strawberry.Maybe[str | None]
    country: strawberry.Maybe[str | None]
    city: strawberry.Maybe[str | None]
    source: strawberry.Maybe[str | None]
    registered_from: strawberry.Maybe[str | None]
    registration_form: strawberry.Maybe[str | None]
    account_status: strawberry.Maybe[AccountStatus | None]
    password_set: strawberry.Maybe[bool | None]
    last_login_at: strawberry.Maybe[datetime | None]
    preferred_channel: strawberry.Maybe[str | None]
    note: strawberry.Maybe[str | None]
    member: strawberry.Maybe[bool | None]
    tier: strawberry.Maybe[str | None]
    tier_expires_on: strawberry.Maybe[date | None]
    loyalty_rank: strawberry.Maybe[str | None]
    registered_at: strawberry.Maybe[datetime | None]
    tags: strawberry.Maybe[list[str] | None]
    properties: list[CustomerPropertyInput] | None = None
    contacts: list[ContactInput] | None = None
    addresses: list[AddressInput] | None = strawberry.field(
        default=None, description="All addresses: they replace the stored ones. 20 at most."
    )

    def change(self) -> CustomerChange:
        maybes: dict[str, Any] = {name: getattr(self, name) for name in (*(field.name for field in FIELDS), "tags")}
        values: dict[str, Any] = {name: UNSET if maybe is None else maybe.value for name, maybe in maybes.items()}
        contacts = [
            ContactChange(contact.channel, contact.address, UNSET if contact.consent is None else contact.consent)
            for contact in self.contacts or ()
        ]
        properties = [PropertyChange(property_.key, property_.value) for property_ in self.properties or ()]
        addresses = UNSET if self.addresses is None else [address.address() for address in self.addresses]
        return CustomerChange(**values, properties=properties, contacts=contacts, addresses=addresses)
