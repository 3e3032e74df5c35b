"""The dimensions that every store has, and those that its properties and channels add."""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement

from domain.customers.model import Consent, Gender, PropertyDefinition, ValueType
from domain.customers.tables import customer_facts, customer_properties, customers
from domain.db.types import MONEY_SCALE
from domain.segments.catalogue.entries import CHOICE, NUMBERS, OPERATORS, Dimension, Option
from domain.segments.conditions.columns import Column, FlagColumn, RealColumn, TextColumn, WholeColumn
from domain.segments.conditions.customers import (
    Blacklisted,
    Consenting,
    CustomerColumn,
    CustomProperty,
    FactColumn,
    Source,
    Tagged,
    email_domain,
)
from domain.segments.conditions.orders import AVERAGE_ORDER
from domain.segments.conditions.times import AgeColumn, DayColumn, MomentColumn
from domain.segments.filters import Operator

NAMES = 25
EMAIL_DOMAINS = 50
_FLAG = (Operator.EQ, Operator.NEQ)
_PRESENCE = (Operator.IS_SET, Operator.IS_NOT_SET)


def _dimension(
    key: str,
    label: str,
    group: str,
    kind: ValueType,
    source: Source,
    operators: tuple[Operator, ...] | None = None,
) -> Dimension:
    given = OPERATORS[kind] if operators is None else operators
    return Dimension(key=key, label=label, group=group, type=kind, operators=given, source=source)


def _choice(dimension: Dimension, *values: str) -> Dimension:
    """No value but these makes sense."""
    return replace(dimension, options=_options(*values), closed=True)


def _is_set(column: ColumnElement[Any]) -> CustomerColumn:
    return CustomerColumn(FlagColumn(column.is_not(None)))


def _options(*values: str) -> tuple[Option, ...]:
    return tuple(Option(str(value), value.replace("_", " ").capitalize()) for value in values)


_c, _f = customers.c, customer_facts.c
_TEXT, _YES, _DAY, _TIME, _NUMBER = (
    ValueType.STRING,
    ValueType.BOOLEAN,
    ValueType.DATE,
    ValueType.DATETIME,
    ValueType.NUMBER,
)


_EMAIL_DOMAIN = TextColumn(email_domain(_c.email), str.lower)
_ORDERS = WholeColumn(_f.order_count)
_SPENT = WholeColumn(_f.total_spent, MONEY_SCALE)

EVERYWHERE: tuple[Dimension, ...] = (
    replace(_dimension("name", "Name", "profile", _TEXT, CustomerColumn(TextColumn(_c.name))), max_values=NAMES),
    _dimension("email", "E-mail address", "profile", _TEXT, CustomerColumn(TextColumn(_c.email, str.lower))),
    _dimension("has_email", "Has an e-mail address", "profile", _YES, _is_set(_c.email), _FLAG),
    replace(
        _dimension("email_domain", "E-mail domain", "profile", _TEXT, CustomerColumn(_EMAIL_DOMAIN)),
        max_values=EMAIL_DOMAINS,
    ),
    _dimension("phone", "Phone number", "profile", _TEXT, CustomerColumn(TextColumn(_c.phone))),
    _dimension("has_phone", "Has a phone number", "profile", _YES, _is_set(_c.phone), _FLAG),
    _choice(
        _dimension("gender", "Gender", "profile", _TEXT, CustomerColumn(TextColumn(_c.gender)), (*CHOICE, *_PRESENCE)),
        *Gender,
    ),
    _dimension("birthday", "Birthday", "profile", _DAY, CustomerColumn(DayColumn(_c.birthday))),
    _dimension("age", "Age", "profile", _NUMBER, CustomerColumn(AgeColumn(_c.birthday)), (*NUMBERS, *_PRESENCE)),
    _dimension("locale", "Language", "profile", _TEXT, CustomerColumn(TextColumn(_c.locale))),
    _dimension("country", "Country", "profile", _TEXT, CustomerColumn(TextColumn(_c.country, str.upper))),
    _dimension("city", "City", "profile", _TEXT, CustomerColumn(TextColumn(_c.city))),
    _dimension("source", "Source", "profile", _TEXT, CustomerColumn(TextColumn(_c.source))),
    _dimension("external_id", "Customer ID", "profile", _TEXT, CustomerColumn(TextColumn(_c.external_id))),
    _dimension("created_at", "Created", "profile", _TIME, CustomerColumn(MomentColumn(_c.created_at))),
    _dimension("registered_at", "Registered", "profile", _TIME, CustomerColumn(MomentColumn(_c.registered_at))),
    _dimension("member", "Member", "membership", _YES, CustomerColumn(FlagColumn(_c.member)), _FLAG),
    _dimension("tier", "Membership tier", "membership", _TEXT, CustomerColumn(TextColumn(_c.tier))),
    _dimension(
        "tier_expires_on", "Membership expiry", "membership", _DAY, CustomerColumn(DayColumn(_c.tier_expires_on))
    ),
    _dimension("blacklisted", "Blacklisted", "membership", _YES, Blacklisted(), _FLAG),
    _dimension("tag", "Tag", "tags", _TEXT, Tagged()),
    _dimension("order_count", "Number of orders", "purchase", _NUMBER, FactColumn(_ORDERS), NUMBERS),
    _dimension("total_spent", "Total spent", "purchase", _NUMBER, FactColumn(_SPENT), NUMBERS),
    _dimension(
        "average_order_value", "Average order", "purchase", _NUMBER, FactColumn(AVERAGE_ORDER), (*NUMBERS, *_PRESENCE)
    ),
    _dimension("first_order_at", "First order", "purchase", _TIME, FactColumn(MomentColumn(_f.first_order_at))),
    _dimension("last_order_at", "Last order", "purchase", _TIME, FactColumn(MomentColumn(_f.last_order_at))),
)


def consent(channel: str, label: str) -> Dimension:
    plain = _dimension(f"consent.{channel}", f"Consent: {label}", "consent", _TEXT, Consenting(channel), CHOICE)
    return _choice(plain, *Consent)


def custom_property(definition: PropertyDefinition) -> Dimension:
    value = customer_properties.c[definition.type.column]
    source = CustomProperty(definition.id, value, _column(definition.type, value))
    return _dimension(f"property.{definition.key}", definition.label, "property", definition.type, source)


def _column(kind: ValueType, value: ColumnElement[Any]) -> Column:
    match kind:
        case ValueType.STRING:
            return TextColumn(value)
        case ValueType.NUMBER:
            return RealColumn(value)
        case ValueType.BOOLEAN:
            return FlagColumn(value)
        case ValueType.DATE:
            return DayColumn(value)
        case ValueType.DATETIME:
            return MomentColumn(value)
