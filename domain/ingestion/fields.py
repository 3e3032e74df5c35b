"""Checks of the fields of events, each error with the path of the field."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar, cast

from domain.customers import values
from domain.customers.key import CustomerKey
from domain.events.types import EventType
from domain.kit.errors import DomainError, ErrorCode, Path, check_field
from domain.kit.json_bounds import JsonBounds
from domain.kit.values import check_years

_TYPE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_BOUNDS = JsonBounds(size=16_384, levels=6, entries=500, key=100, text=4_096)
_SUBJECT_LENGTH = 200
ATTRIBUTES: Path = ("attributes",)
T = TypeVar("T")
R = TypeVar("R")


def check_required(value: str) -> str:
    cleaned = values.text(value, 200)
    if cleaned is None:
        raise DomainError("is empty", code=ErrorCode.REQUIRED)
    return cleaned


def check_event_type(value: str) -> str:
    if not _TYPE.fullmatch(value):
        raise DomainError(f"{value[:60]!r} is no event type: lower-case letters, digits, _ . -, 64 at most")
    return value


def check_moment(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise DomainError("has no offset: write it as 2026-07-01T09:00:00Z")
    return check_years(moment).astimezone(UTC)


def check_customer(key: CustomerKey) -> CustomerKey:
    if key.external_id is not None:
        return CustomerKey(external_id=check_field(("customer", "externalId"), check_required, key.external_id))
    if key.email is not None:
        email = check_field(("customer", "email"), values.email, key.email)
        if email is None:
            raise DomainError("email: is empty", field=("customer", "email"), code=ErrorCode.REQUIRED)
        return CustomerKey(email=email)
    if key.phone is not None:
        phone = check_field(("customer", "phone"), partial(values.phone, country=None), key.phone)
        if phone is None:
            raise DomainError("phone: is empty", field=("customer", "phone"), code=ErrorCode.REQUIRED)
        return CustomerKey(phone=phone)
    if key.id is None:
        message = "customer: needs one of id, externalId, email, phone"
        raise DomainError(message, field=("customer",), code=ErrorCode.REQUIRED)
    return key


def check_bounds(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    _BOUNDS.check(attributes, ATTRIBUTES)
    return attributes


def check_object(value: object, field: Path) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DomainError(f"{field[-1]}: must be an object", field=field)
    return cast("dict[str, Any]", value)


def check_attributes(event_type: EventType, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the attributes. Raise DomainError when one is missing, or has a value of another type than it should."""
    missing = next((name for name in sorted(event_type.required) if attributes.get(name) in (None, "")), None)
    if missing is not None:
        raise DomainError(f"{missing}: is missing", field=(*ATTRIBUTES, missing), code=ErrorCode.REQUIRED)
    for name, expected in event_type.attributes.items():
        value = attributes.get(name)
        if value is not None:
            check_field((*ATTRIBUTES, name), partial(values.property_value, kind=expected), value)
    return attributes


def subject_of(event_type: EventType, attributes: Mapping[str, Any]) -> str | None:
    """Return the value of the attribute that the event is about."""
    subject = attributes.get(event_type.subject) if event_type.subject else None
    if subject is None:
        return None
    path = (*ATTRIBUTES, str(event_type.subject))
    return check_field(path, lambda value: values.text(value, _SUBJECT_LENGTH), str(subject))


def text_field(attributes: Mapping[str, Any], name: str, length: int, field: Path) -> str | None:
    """Return the cleaned text under a name, None when it is missing or empty. Raise DomainError for another value."""
    value = attributes.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise DomainError(f"{name}: must be a string", field=(*field, name))
    return check_field((*field, name), lambda text: values.text(text, length), value)
