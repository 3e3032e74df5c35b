"""One client's input about one customer: cleaned, or every fault of it at once."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from domain.customers import values
from domain.customers.model import Address, ContactChange, CustomerChange, PropertyChange, PropertyDefinition
from domain.kit.errors import DomainError, ErrorCode, ErrorCollector, Path, check_field
from domain.kit.values import Unset, Value

T = TypeVar("T")
R = TypeVar("R")


class _FieldErrors(ErrorCollector):
    def of(self, field: Path, check: Callable[[T], R], value: T) -> R | None:
        with self.under():
            return check_field(field, check, value)
        return None

    def given(self, field: str, check: Callable[[T], R | None], value: T | Unset | None) -> R | Unset | None:
        if value is None or isinstance(value, Unset):
            return value
        return self.of((field,), check, value)


def clean(change: CustomerChange, definitions: Mapping[str, PropertyDefinition]) -> CustomerChange:
    faults = _FieldErrors()
    cleaned = _account(_profile(change, faults), faults)
    cleaned = replace(
        cleaned,
        tags=faults.given("tags", values.tags, change.tags),
        properties=_properties(change, definitions, faults),
        contacts=_contacts(change, faults),
        addresses=_addresses(change, faults),
    )
    if not faults.errors and not any(_keys(cleaned)):
        said = "a customer needs an externalId, an email or a phone to be found by"
        faults.add(DomainError(said, code=ErrorCode.REQUIRED))
    faults.raise_any()
    return cleaned


def _profile(change: CustomerChange, faults: _FieldErrors) -> CustomerChange:
    given = faults.given
    country = given("country", values.country, change.country)
    dial = country if isinstance(country, str) else None
    return replace(
        change,
        external_id=given("externalId", _text(200), change.external_id),
        name=given("name", _text(200), change.name),
        first_name=given("firstName", _text(100), change.first_name),
        last_name=given("lastName", _text(100), change.last_name),
        company=given("company", _text(200), change.company),
        email=given("email", values.email, change.email),
        phone=given("phone", lambda value: values.phone(value, dial), change.phone),
        locale=given("locale", values.locale, change.locale),
        country=country,
        city=given("city", _text(200), change.city),
        source=given("source", _text(64), change.source),
        tier=given("tier", _text(100), change.tier),
        registered_at=given("registeredAt", _aware, change.registered_at),
    )


def _account(change: CustomerChange, faults: _FieldErrors) -> CustomerChange:
    given = faults.given
    return replace(
        change,
        registered_from=given("registeredFrom", _text(64), change.registered_from),
        registration_form=given("registrationForm", _text(100), change.registration_form),
        last_login_at=given("lastLoginAt", _aware, change.last_login_at),
        preferred_channel=given("preferredChannel", values.channel, change.preferred_channel),
        note=given("note", values.note, change.note),
        loyalty_rank=given("loyaltyRank", _text(100), change.loyalty_rank),
    )


def _keys(change: CustomerChange) -> tuple[bool, ...]:
    return tuple(isinstance(key, str) for key in (change.external_id, change.email, change.phone))


def _text(longest: int) -> Callable[[str], str | None]:
    return lambda value: values.text(value, longest)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise DomainError("has no offset: write it as 2026-07-01T09:00:00Z")
    return moment.astimezone(UTC)


def _properties(
    change: CustomerChange, definitions: Mapping[str, PropertyDefinition], faults: _FieldErrors
) -> list[PropertyChange]:
    """The last value of a key counts."""
    found: dict[str, PropertyChange] = {}
    for at, given in enumerate(change.properties):
        definition = definitions.get(given.key)
        if definition is None:
            said = f"key: no property {given.key!r} is defined: create its definition first"
            field = ("properties", at, "key")
            faults.add(DomainError(said, field=field, code=ErrorCode.NOT_FOUND))
            continue
        value = faults.of(("properties", at, "value"), _typed(definition), given.value)
        found[given.key] = PropertyChange(given.key, value)
    return list(found.values())


def _typed(definition: PropertyDefinition) -> Callable[[object], Value | None]:
    return lambda value: values.property_value(value, definition.type)


def _contacts(change: CustomerChange, faults: _FieldErrors) -> list[ContactChange]:
    """The last entry of a channel counts."""
    found: dict[str, ContactChange] = {}
    for at, given in enumerate(change.contacts):
        channel = faults.of(("contacts", at, "channel"), values.channel, given.channel)
        address = given.address
        if isinstance(address, str):
            address = faults.of(("contacts", at, "address"), _text(500), address)
        if channel is not None:
            found[channel] = ContactChange(channel, address, given.consent)
    return list(found.values())


MAX_ADDRESSES = 20
_TEXTS = {"region": 100, "city": 200, "postcode": 20, "street": 300, "company": 200}
_DEGREES = {"latitude": 90, "longitude": 180}


def _addresses(change: CustomerChange, faults: _FieldErrors) -> list[Address] | Unset | None:
    given = change.addresses
    if given is None or isinstance(given, Unset):
        return given
    if len(given) > MAX_ADDRESSES:
        said = f"addresses: there are {len(given)}: {MAX_ADDRESSES} at most"
        faults.add(DomainError(said, field=("addresses",), code=ErrorCode.LIMIT_EXCEEDED))
        return None
    return [_address(each, ("addresses", at), faults) for at, each in enumerate(given)]


def _address(given: Address, field: Path, faults: _FieldErrors) -> Address:
    cleaned: dict[str, Any] = {}
    if given.country is not None:
        cleaned["country"] = faults.of((*field, "country"), values.country, given.country)
    for name, longest in _TEXTS.items():
        if getattr(given, name) is not None:
            cleaned[name] = faults.of((*field, name), _text(longest), getattr(given, name))
    for name, most in _DEGREES.items():
        if getattr(given, name) is not None:
            cleaned[name] = faults.of((*field, name), partial(values.degrees, most=most), getattr(given, name))
    return Address(**cleaned)
