"""Customers and what belongs to them, as they are stored and as clients change them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.kit.folded_text import folded
from domain.kit.values import UNSET, Unset, Value, ValueType

MAX_BATCH = 5_000
# The folded name of customers without one: behind all names, as it is no character.
NAMELESS = "\U0010ffff"


class Gender(StrEnum):
    MALE = "MALE"
    FEMALE = "FEMALE"
    OTHER = "OTHER"
    UNDISCLOSED = "UNDISCLOSED"


class AccountStatus(StrEnum):
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"
    TO_BE_ENABLED = "TO_BE_ENABLED"
    INVITED = "INVITED"


class Consent(StrEnum):
    SUBSCRIBED = "SUBSCRIBED"
    NOT_SUBSCRIBED = "NOT_SUBSCRIBED"
    UNSUBSCRIBED = "UNSUBSCRIBED"


class ObjectionReason(StrEnum):
    """Why an address is not written to."""

    UNSUBSCRIBED = "UNSUBSCRIBED"
    BLACKLISTED = "BLACKLISTED"
    BOUNCED = "BOUNCED"
    COMPLAINED = "COMPLAINED"
    ERASED = "ERASED"


class CustomerOrder(StrEnum):
    CREATED_AT_ASC = "CREATED_AT_ASC"
    CREATED_AT_DESC = "CREATED_AT_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
    TOTAL_SPENT_DESC = "TOTAL_SPENT_DESC"
    LAST_ORDER_AT_DESC = "LAST_ORDER_AT_DESC"


@dataclass(frozen=True, slots=True)
class Customer:
    store_id: int
    id: int
    external_id: str | None
    name: str | None
    first_name: str | None
    last_name: str | None
    company: str | None
    email: str | None
    email_verified: bool
    phone: str | None
    phone_verified: bool
    gender: Gender | None
    birthday: date | None
    locale: str | None
    country: str | None
    city: str | None
    source: str | None
    registered_from: str | None
    registration_form: str | None
    account_status: AccountStatus | None
    password_set: bool | None
    last_login_at: datetime | None
    preferred_channel: str | None
    note: str | None
    member: bool
    tier: str | None
    tier_expires_on: date | None
    loyalty_rank: str | None
    blacklisted: bool
    created_at: datetime
    updated_at: datetime
    registered_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Figures of a customer's orders."""

    order_count: int
    total_spent: Decimal
    first_order_at: datetime | None
    last_order_at: datetime | None


NO_FACTS = Facts(0, Decimal(0), None, None)


@dataclass(frozen=True, slots=True)
class Profile:
    """A customer and the figures of its orders."""

    customer: Customer
    facts: Facts


@dataclass(frozen=True, slots=True)
class Contact:
    channel: str
    # None where the channel takes the customer's own e-mail address or phone number.
    address: str | None
    consent: Consent
    consent_at: datetime | None
    invalid: bool


@dataclass(frozen=True, slots=True)
class PropertyDefinition:
    store_id: int
    id: int
    key: str
    label: str
    type: ValueType


@dataclass(frozen=True, slots=True)
class Property:
    key: str
    value: Value


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """A value as a client sends it; None deletes the property."""

    key: str
    value: object


@dataclass(frozen=True, slots=True)
class ContactChange:
    channel: str
    address: str | Unset | None = UNSET
    consent: Consent | Unset = UNSET


@dataclass(frozen=True, slots=True)
class Address:
    """A delivery address; `latitude` and `longitude` in degrees, WGS 84."""

    country: str | None = None
    region: str | None = None
    city: str | None = None
    postcode: str | None = None
    street: str | None = None
    company: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class CustomerChange:
    """A client's change of a customer: what is left out stays, None clears."""

    external_id: str | Unset | None = UNSET
    name: str | Unset | None = UNSET
    first_name: str | Unset | None = UNSET
    last_name: str | Unset | None = UNSET
    company: str | Unset | None = UNSET
    email: str | Unset | None = UNSET
    email_verified: bool | Unset | None = UNSET
    phone: str | Unset | None = UNSET
    phone_verified: bool | Unset | None = UNSET
    gender: Gender | Unset | None = UNSET
    birthday: date | Unset | None = UNSET
    locale: str | Unset | None = UNSET
    country: str | Unset | None = UNSET
    city: str | Unset | None = UNSET
    source: str | Unset | None = UNSET
    registered_from: str | Unset | None = UNSET
    registration_form: str | Unset | None = UNSET
    account_status: AccountStatus | Unset | None = UNSET
    password_set: bool | Unset | None = UNSET
    last_login_at: datetime | Unset | None = UNSET
    preferred_channel: str | Unset | None = UNSET
    note: str | Unset | None = UNSET
    member: bool | Unset | None = UNSET
    tier: str | Unset | None = UNSET
    tier_expires_on: date | Unset | None = UNSET
    loyalty_rank: str | Unset | None = UNSET
    registered_at: datetime | Unset | None = UNSET
    tags: Sequence[str] | Unset | None = UNSET
    properties: Sequence[PropertyChange] = field(default=())
    contacts: Sequence[ContactChange] = field(default=())
    addresses: Sequence[Address] | Unset | None = UNSET


def folded_name(name: str | None) -> str:
    """Return what a customer's name is searched and sorted by."""
    return NAMELESS if name is None else folded(name)


_RANK = {Consent.NOT_SUBSCRIBED: 0, Consent.SUBSCRIBED: 1, Consent.UNSUBSCRIBED: 2}


def imported_consent(before: Consent, imported: Consent) -> Consent:
    """Return the consent after an import: a file gives or withdraws it, and never undoes what the customer withdrew."""
    return max(before, imported, key=_RANK.__getitem__)
