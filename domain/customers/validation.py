"""One client's input about one customer: cleaned, or refused with every error of it at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from muster_sdk import AddressKind

from domain.addresses import KNOWN_KINDS, AddressKinds
from domain.customers import values
from domain.customers.fields import FIELDS
from domain.customers.model import Address, ContactChange, CustomerChange, PropertyChange, PropertyDefinition
from domain.kit.errors import DomainError, ErrorCode, ErrorCollector, Path, check_field
from domain.kit.values import Unset

T = TypeVar("T")
R = TypeVar("R")

MAX_ADDRESSES = 20
MAX_CONTACTS = 50
MAX_PROPERTIES = 1_000
ADDRESS_CHECKS: dict[str, Callable[[Any], Any]] = {
    "country": values.country,
    "region": partial(values.text, longest=100),
    "city": partial(values.text, longest=200),
    "postcode": partial(values.text, longest=20),
    "street": partial(values.text, longest=300),
    "company": partial(values.text, longest=200),
    "latitude": partial(values.degrees, most=90),
    "longitude": partial(values.degrees, most=180),
}
# A national phone number is read as one of the country.
_COUNTRY_FIRST = sorted(FIELDS, key=lambda field: field.name != "country")


class _FieldErrors(ErrorCollector):
    def check(self, field: Path, check: Callable[[T], R], value: T) -> R | None:
        """Return what the check makes of the value, or collect its error."""
        with self.under():
            return check_field(field, check, value)
        return None


def clean(
    change: CustomerChange, definitions: Mapping[str, PropertyDefinition], kinds: AddressKinds = KNOWN_KINDS
) -> CustomerChange:
    """Return the change with its values in the form that is stored. Raise DomainErrors with all that is wrong."""
    errors = _FieldErrors()
    cleaned: dict[str, Any] = {}
    for field in _COUNTRY_FIRST:
        value = getattr(change, field.name)
        if value is not None and not isinstance(value, Unset):
            country = cleaned["country"] if field.name == "phone" else None
            check = partial(values.phone, country=country) if isinstance(country, str) else field.check
            value = errors.check((field.graphql_name,), check, value)
        cleaned[field.name] = value
    tags = change.tags
    if tags is not None and not isinstance(tags, Unset):
        tags = errors.check(("tags",), values.tags, tags)
    properties = _properties(change, definitions, errors)
    contacts = _contacts(change, errors, kinds, cleaned["country"])
    addresses = _addresses(change, errors)
    if not errors.errors and not any(isinstance(cleaned[key], str) for key in ("external_id", "email", "phone")):
        message = "A customer needs an externalId, an email or a phone to be found by"
        errors.add(DomainError(message, code=ErrorCode.REQUIRED))
    errors.raise_any()
    return replace(change, **cleaned, tags=tags, properties=properties, contacts=contacts, addresses=addresses)


def _properties(
    change: CustomerChange, definitions: Mapping[str, PropertyDefinition], errors: _FieldErrors
) -> list[PropertyChange]:
    """Return the values as their definitions' types; the last value of a key counts."""
    properties: dict[str, PropertyChange] = {}
    if len(change.properties) > MAX_PROPERTIES:
        message = f"properties: there are {len(change.properties):,}: {MAX_PROPERTIES} at most"
        errors.add(DomainError(message, field=("properties",), code=ErrorCode.LIMIT_EXCEEDED))
        return []
    for index, item in enumerate(change.properties):
        definition = definitions.get(item.key)
        if definition is None:
            message = f"key: no property {item.key!r} is defined: create its definition first"
            field = ("properties", index, "key")
            errors.add(DomainError(message, field=field, code=ErrorCode.NOT_FOUND))
            continue
        check = partial(values.property_value, kind=definition.type)
        value = errors.check(("properties", index, "value"), check, item.value)
        properties[item.key] = PropertyChange(item.key, value)
    return list(properties.values())


def _contacts(
    change: CustomerChange, errors: _FieldErrors, kinds: AddressKinds, country: object
) -> list[ContactChange]:
    """Return the contacts; the last entry of a channel counts."""
    contacts: dict[str, ContactChange] = {}
    if len(change.contacts) > MAX_CONTACTS:
        message = f"contacts: there are {len(change.contacts):,}: {MAX_CONTACTS} at most"
        errors.add(DomainError(message, field=("contacts",), code=ErrorCode.LIMIT_EXCEEDED))
        return []
    for index, item in enumerate(change.contacts):
        channel = errors.check(("contacts", index, "channel"), values.channel, item.channel)
        address = item.address
        if isinstance(address, str):
            kind = kinds.get(item.channel, AddressKind.HANDLE)
            check = partial(values.address, kind=kind, country=country if isinstance(country, str) else None)
            address = errors.check(("contacts", index, "address"), check, address)
        if channel is not None:
            contacts[channel] = ContactChange(channel, address, item.consent)
    return list(contacts.values())


def _addresses(change: CustomerChange, errors: _FieldErrors) -> Sequence[Address] | Unset | None:
    addresses = change.addresses
    if addresses is None or isinstance(addresses, Unset):
        return addresses
    if len(addresses) > MAX_ADDRESSES:
        message = f"addresses: there are {len(addresses)}: {MAX_ADDRESSES} at most"
        errors.add(DomainError(message, field=("addresses",), code=ErrorCode.LIMIT_EXCEEDED))
        return None
    cleaned: list[Address] = []
    for index, address in enumerate(addresses):
        parts: dict[str, Any] = {
            name: errors.check(("addresses", index, name), check, value)
            for name, check in ADDRESS_CHECKS.items()
            if (value := getattr(address, name)) is not None
        }
        cleaned.append(Address(**parts))
    return cleaned
